"""A real mosquitto on 127.0.0.1, with a listener for each kind of authentication."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tools import fetch
from tools.testkit.certificates import Certificates
from tools.testkit.ports import free_ports

USER, PASSWORD = "device", "a secret"
SECONDS = 60


class Listener(NamedTuple):
    """What a listener asks of those who connect to it.

    name         as in the test ids
    certificate  the one that it shows; "" is plain TCP
    """

    name: str
    certificate: str = ""
    user: bool = False
    client_certificate: bool = False
    address: str = "127.0.0.1"

    def lines(self, port: int, folder: Path, certificates: Certificates) -> list[str]:
        """Its part of mosquitto.conf."""
        lines = [f"listener {port} {self.address}", f"allow_anonymous {str(not self.user).lower()}"]
        if self.user:
            lines += [f"password_file {folder / 'passwords'}"]
        if self.certificate:
            lines += [
                f"certfile {certificates.pem(self.certificate)}",
                f"keyfile {certificates.pem(self.certificate + '-key')}",
                f"cafile {certificates.pem('ca')}",
                f"require_certificate {str(self.client_certificate).lower()}",
            ]
        return lines

    def settings(self, port: int, certificates: Certificates) -> dict[str, object]:
        """What a device has to know to connect: the client's arguments, by name."""
        server = self.address if ":" in self.address else "localhost"
        settings: dict[str, object] = {"server": server, "port": port}
        if self.user:
            settings.update(user=USER, password=PASSWORD)
        if self.certificate:
            params = {"cadata": certificates.der("ca")}
            if self.client_certificate:
                params.update(cert=certificates.der("client"), key=certificates.der("client-key"))
            settings.update(ssl=True, ssl_params=params)
        return settings


# Each scenario runs on each of these.
LISTENERS = [
    Listener("anonymous"),
    Listener("password", user=True),
    Listener("tls", "server"),
    Listener("tls-client-cert", "server", client_certificate=True),
    Listener("tls-password", "server", user=True),
]
FAULTY = [Listener("expired", "expired"), Listener("wrong-name", "wrong-name")]
IPV6 = Listener("ipv6", address="::1")


class Mosquitto:
    """The broker, and its log."""

    def __init__(
        self,
        folder: Path,
        certificates: Certificates,
        listeners: Sequence[Listener] = (),
        for_all: Sequence[str] = (),
    ) -> None:
        """
        listeners  those that it has; by default all of the above
        for_all    lines of mosquitto.conf for all of them; each has settings of its own otherwise
        """
        self.certificates = certificates
        self.log: list[tuple[float, str]] = []  # when each line came, and the line
        self._folder = folder
        self._listeners = {item.name: item for item in listeners or default_listeners()}
        self._for_all = list(for_all)
        self._ports: dict[str, int] = {}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Mosquitto:
        (self._folder / "passwords").write_text(f"{USER}:{hashed(PASSWORD)}\n")
        for _ in range(3):  # another program may take the free port first
            self._start()
            if self.wait_for(r"version \S+ running"):
                return self
            self.stop()
        raise RuntimeError("mosquitto does not start:\n" + "\n".join(line for _, line in self.log))

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def port(self, name: str) -> int:
        """The port of the listener with this name."""
        return self._ports[name]

    def settings(self, name: str) -> dict[str, object]:
        """What a device needs to connect to the listener with this name."""
        return self._listeners[name].settings(self._ports[name], self.certificates)

    def times(self, pattern: str) -> list[float]:
        """When the lines of the log came in which `pattern` is found."""
        return [when for when, line in list(self.log) if re.search(pattern, line)]

    def wait_for(self, pattern: str) -> bool:
        """Wait until `pattern` is found in a line of the log; False when that does not happen."""
        assert self._process
        end = time.monotonic() + SECONDS
        while not self.times(pattern):
            if self._process.poll() is not None or time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def stop(self) -> None:
        """End the broker."""
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _start(self) -> None:
        self._ports = dict(zip(self._listeners, free_ports(len(self._listeners))))
        # stderr, because mosquitto would keep what it says on stdout until a buffer is full.
        lines = ["persistence false", "log_dest stderr", "log_type all"]
        lines += self._for_all or ["per_listener_settings true"]
        # Started by root, it would switch to a user that cannot read the certificates.
        lines += ["user root"] if os.geteuid() == 0 else []
        for name, listener in self._listeners.items():
            lines += listener.lines(self._ports[name], self._folder, self.certificates)
        conf = self._folder / "mosquitto.conf"
        conf.write_text("\n".join(lines) + "\n")
        self._process = subprocess.Popen(
            [str(fetch.mosquitto()), "-c", str(conf)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            self.log.append((time.monotonic(), line.rstrip()))


def default_listeners() -> list[Listener]:
    """All listeners that this machine can have."""
    return LISTENERS + FAULTY + ([IPV6] if has_ipv6() else [])


def hashed(password: str) -> str:
    """A password as mosquitto's password file has it."""
    salt, iterations = os.urandom(12), 101
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def has_ipv6() -> bool:
    """Whether this machine has ::1."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False
