"""A mosquitto on 127.0.0.1 that can be killed and restarted on the same port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from tools import fetch
from tools.errors import ToolError

HOST = "127.0.0.1"
SECONDS = 10


class Mosquitto:
    """Use it with `with`: it is started at the beginning and killed at the end.

    port  of the broker, the same after each start
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        """
        folder    for its files; made if need be
        settings  lines of mosquitto.conf, besides the listener
        """
        self.port = 0
        self._folder = folder
        self._settings = settings
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Mosquitto:
        # Bound all the time, so that nothing else gets the port while mosquitto is down. A client that
        # tries to connect could get it as its own port, and would then be connected to itself.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((HOST, 0))
        self.port = self._reserved.getsockname()[1]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write_configuration()
            self.start()
            self.wait_until_listening()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
        self._reserved.close()

    @property
    def pid(self) -> int:
        """The process identifier, while it runs."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Start it, without waiting until it listens."""
        command = [str(fetch.mosquitto()), "-c", str(self._configuration)]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_until_listening(self) -> None:
        """Wait until it accepts connections; raise ToolError when it does not."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.check()
            try:
                socket.create_connection((HOST, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise ToolError(f"mosquitto does not listen: {self._last_line()}")

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def save(self) -> None:
        """Let it save its sessions, after what it is doing now."""
        os.kill(self.pid, signal.SIGUSR1)

    def check(self) -> None:
        """Raise ToolError if it was started and has ended by itself."""
        if self._process and self._process.poll() is not None:
            raise ToolError(f"mosquitto has ended: {self._last_line()}")

    @property
    def _configuration(self) -> Path:
        return self._folder / "mosquitto.conf"

    def _write_configuration(self) -> None:
        lines = [f"listener {self.port} {HOST}", "allow_anonymous true", "log_dest stderr", *self._settings]
        # Started by root, it would switch to a user that cannot read its files.
        lines += ["user root"] if os.geteuid() == 0 else []
        self._configuration.write_text("\n".join(lines) + "\n")

    def _last_line(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return lines[-1] if lines else "it printed nothing"
