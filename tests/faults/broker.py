"""A mosquitto that can be killed and started again, on the same port."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Callable

from tools import provide
from tools.ports import free_port

SECONDS = 10


class Broker:
    """Use it with `async with`. Its settings are those that lose the least: it writes down each change at
    once, and waits for no more data before it sends.

    persistent  whether it finds its sessions again after it was killed
    """

    def __init__(self, folder: Path, persistent: bool = False) -> None:
        self.persistent = persistent
        self.port = free_port()
        self._folder = folder
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Broker:
        self._folder.mkdir(parents=True, exist_ok=True)
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.kill()

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "set_tcp_nodelay true",
            "max_queued_messages 0",  # no limit: what it drops would look like a fault of the device
            "log_dest stderr",
            f"persistence {str(self.persistent).lower()}",
            f"persistence_location {self._folder}/",
            "autosave_on_changes true",
            "autosave_interval 1",
        ]
        # When root starts it, it would become a user who may not write in the folder.
        lines += ["user root"] if os.geteuid() == 0 else []
        conf = self._folder / "mosquitto.conf"
        conf.write_text("\n".join(lines) + "\n")
        command = [str(provide.mosquitto()), "-c", str(conf)]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        await self._until(self._listens)

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def save(self) -> None:
        """Have it write down its sessions, as soon as it has done what it is doing."""
        assert self._process
        self._process.send_signal(signal.SIGUSR1)

    def _listens(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            raise RuntimeError("mosquitto does not start:\n" + self._log.read_text())
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    async def _until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError("mosquitto does not answer:\n" + self._log.read_text())
            await asyncio.sleep(0.01)
