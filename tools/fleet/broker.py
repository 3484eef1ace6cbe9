"""A mosquitto that can be killed and started again on the same port."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

from tools import provide
from tools.missing import Missing

HOST = "127.0.0.1"
SECONDS = 10


class Broker:
    """Use it with `with`; it runs from the beginning, and its port stays the same.

    port  on 127.0.0.1
    """

    def __init__(self, folder: Path) -> None:
        self._conf = folder / "mosquitto.conf"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Broker:
        # It keeps the port ours while nobody listens: a client that tries it often enough would else get
        # the same one for its own end, and be connected with itself.
        self._keeper = socket.socket()
        self._keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._keeper.bind((HOST, 0))
        self.port: int = self._keeper.getsockname()[1]
        lines = [f"listener {self.port} {HOST}", "allow_anonymous true", "persistence false", "log_dest none"]
        # When root starts it, it would become a user who may not read its configuration.
        lines += ["user root"] if os.geteuid() == 0 else []
        self._conf.write_text("\n".join(lines) + "\n")
        try:
            self.start()
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
        self._keeper.close()

    def start(self) -> None:
        """Start it; it listens a moment later."""
        self._process = subprocess.Popen(
            [str(provide.mosquitto()), "-c", str(self._conf)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def check(self) -> None:
        """Raise Missing if it was started and has ended by itself."""
        if self._process and self._process.poll() is not None:
            raise Missing("fleet: mosquitto has ended")

    def _wait(self) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.check()
            try:
                socket.create_connection((HOST, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Missing("fleet: mosquitto does not start")
