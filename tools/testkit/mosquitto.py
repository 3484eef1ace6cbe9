"""mosquitto on 127.0.0.1: with a listener for each kind of authentication, or with a plain one alone."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tools import fetch
from tools.testkit.broker import HOST, Broker, Server
from tools.testkit.certificates import Certificates

USER, PASSWORD = "device", "a secret"
CONFIGURATION = "mosquitto.conf"


class Listener(NamedTuple):
    """What a listener asks of those who connect to it.

    name         as in the test ids
    certificate  the one that it shows; "" is plain TCP
    """

    name: str
    certificate: str = ""
    user: bool = False
    client_certificate: bool = False
    address: str = HOST

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

    def settings(self, port: int, certificates: Certificates) -> dict[str, Any]:
        """What a device has to know to connect: the client's arguments, by name."""
        server = self.address if ":" in self.address else "localhost"
        settings: dict[str, Any] = {"server": server, "port": port}
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


class Mosquitto(Server):
    """One with several listeners, and a log of everything."""

    name = "mosquitto"
    ready = r"version \S+ running"

    def __init__(
        self,
        folder: Path,
        certificates: Certificates,
        listeners: Sequence[Listener] = (),
        for_all: Sequence[str] = (),
    ) -> None:
        """
        folder     for its files; made if need be
        listeners  those that it has; by default all of the above
        for_all    lines of mosquitto.conf for all of them; each has settings of its own otherwise
        """
        super().__init__(folder)
        self.certificates = certificates
        self._listeners = {item.name: item for item in listeners or default_listeners()}
        self._for_all = for_all or ["per_listener_settings true"]
        self._ports = {name: self._reserve(item.address) for name, item in self._listeners.items()}

    def port(self, name: str) -> int:
        """The port of the listener with this name."""
        return self._ports[name]

    def settings(self, name: str) -> dict[str, Any]:
        """What a device needs to connect to the listener with this name."""
        return self._listeners[name].settings(self._ports[name], self.certificates)

    def _prepare(self) -> None:
        (self._folder / "passwords").write_text(f"{USER}:{hashed(PASSWORD)}\n")
        lines = ["persistence false", "log_type all", *self._for_all]
        for name, listener in self._listeners.items():
            lines += listener.lines(self._ports[name], self._folder, self.certificates)
        configure(self._folder, lines)

    def _command(self) -> tuple[list[str], dict[str, str]]:
        return [str(fetch.mosquitto()), "-c", str(self._folder / CONFIGURATION)], {}


class PlainMosquitto(Broker):
    """One with a plain listener for anybody; see Broker."""

    name = "mosquitto"

    def __init__(self, folder: Path, *settings: str, program: Callable[[], Path] = fetch.mosquitto) -> None:
        """
        folder    for its files; made if need be
        settings  lines of mosquitto.conf, besides the listener
        program   gives the path of the program
        """
        super().__init__(folder)
        self._settings = settings
        self._program = program

    def save(self) -> None:
        """Let it save its sessions, after what it is doing now."""
        os.kill(self.pid, signal.SIGUSR1)

    def _prepare(self) -> None:
        configure(self._folder, [f"listener {self.port} {HOST}", "allow_anonymous true", *self._settings])

    def _command(self) -> tuple[list[str], dict[str, str]]:
        return [str(self._program()), "-c", str(self._folder / CONFIGURATION)], {}


def configure(folder: Path, lines: Sequence[str]) -> None:
    """Write mosquitto's configuration."""
    # stderr, because mosquitto would keep what it says on stdout until a buffer is full.
    lines = ["log_dest stderr", *lines]
    # Started by root, it would switch to a user that cannot read its files.
    lines += ["user root"] if os.geteuid() == 0 else []
    (folder / CONFIGURATION).write_text("\n".join(lines) + "\n")


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
