"""A broker on 127.0.0.1 that can be stopped, killed and restarted on the same port."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import TypeVar

from tools.errors import ToolError

HOST = "127.0.0.1"

Self = TypeVar("Self", bound="Broker")


class Broker:
    """Use it with `with`: it is started at the beginning and killed at the end. The subclass is one kind of broker.

    port  of the broker, the same after each start
    """

    name = ""
    seconds = 10  # that it takes to start, at the most

    def __init__(self, folder: Path) -> None:
        """folder: for its files; made if need be."""
        self.port = 0
        self._folder = folder
        self._log = folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self: Self) -> Self:
        # Bound all the time, so that nothing else gets the port while the broker is down. A client that
        # tries to connect could get it as its own port, and would then be connected to itself.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((HOST, 0))
        self.port = self._reserved.getsockname()[1]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._prepare()
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
        command, environment = self._command()
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until_listening(self) -> None:
        """Wait until it accepts connections; raise ToolError when it does not."""
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            self.check()
            try:
                socket.create_connection((HOST, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise ToolError(f"{self.name} does not listen: {self._last_line()}")

    def stop(self) -> None:
        """End it with SIGTERM, as an administrator does."""
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(self.seconds)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def check(self) -> None:
        """Raise ToolError if it was started and has ended by itself."""
        if self._process and self._process.poll() is not None:
            raise ToolError(f"{self.name} has ended: {self._last_line()}")

    def logged(self, pattern: str) -> list[str]:
        """Return the lines of its log in which a regular expression is found."""
        return [line for line in self._log.read_text(errors="replace").splitlines() if re.search(pattern, line)]

    def count(self, pattern: str) -> int:
        """Return in how many lines of its log a regular expression is found."""
        return len(self.logged(pattern))

    def _prepare(self) -> None:
        """Write its configuration, into the folder."""

    def _command(self) -> tuple[list[str], dict[str, str]]:
        """The command that starts it, and what it needs in its environment."""
        raise NotImplementedError

    def _last_line(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return lines[-1] if lines else "it printed nothing"
