"""A mosquitto on 127.0.0.1."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Callable

from tools import fetch
from tools.testkit.broker import HOST, Broker


class Mosquitto(Broker):
    """See Broker."""

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
        lines = [f"listener {self.port} {HOST}", "allow_anonymous true", "log_dest stderr", *self._settings]
        # Started by root, it would switch to a user that cannot read its files.
        lines += ["user root"] if os.geteuid() == 0 else []
        self._configuration.write_text("\n".join(lines) + "\n")

    def _command(self) -> tuple[list[str], dict[str, str]]:
        return [str(self._program()), "-c", str(self._configuration)], {}

    @property
    def _configuration(self) -> Path:
        return self._folder / "mosquitto.conf"
