"""A broker on 127.0.0.1 that can be stopped, killed and restarted on the same ports."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path
from typing import TypeVar

from tools.errors import ToolError
from tools.testkit.process import Process

HOST = "127.0.0.1"

Self = TypeVar("Self", bound="Server")


class Server:
    """A broker as a process. Use it with `with`: it is started at the beginning and killed at the end. The subclass is
    one kind of broker.

    log  when each line of its log came, and the line
    """

    name = ""
    seconds = 60  # that it takes to start, at the most
    ready = ""  # what is in the line of its log that says that it is ready; "" if there is none

    def __init__(self, folder: Path) -> None:
        """folder: for its files; made if need be."""
        self.log: list[tuple[float, str]] = []
        self._folder = folder
        self._process: Process | None = None
        self._log_start = 0  # lines of the log before it was started the last time
        self._reserved: list[socket.socket] = []

    def __enter__(self: Self) -> Self:
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
        for sock in self._reserved:
            sock.close()

    @property
    def pid(self) -> int:
        """The process identifier, while it runs."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Start it, without waiting until it listens."""
        command, environment = self._command()
        self._log_start = len(self.log)
        self._process = Process(command, None, environment, lambda line: self.log.append((time.monotonic(), line)))

    def wait_until_listening(self) -> None:
        """Wait until it is ready; raise ToolError when it does not become that."""
        end = time.monotonic() + self.seconds
        while not self._is_ready():
            self.check()
            if time.monotonic() > end:
                raise ToolError(f"{self.name} is not ready: {self._last_line()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it with SIGTERM, as an administrator does."""
        if self._process:
            self._process.stop(self.seconds)
            self._process = None

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process:
            self._process.kill()
            self._process = None

    def check(self) -> None:
        """Raise ToolError if it was started and has ended by itself."""
        if self._process and not self._process.runs:
            self._process.wait(1)
            raise ToolError(f"{self.name} has ended: {self._last_line()}")

    def logged(self, pattern: str) -> list[str]:
        """Return the lines of its log in which a regular expression is found."""
        return [line for _, line in list(self.log) if re.search(pattern, line)]

    def times(self, pattern: str) -> list[float]:
        """Return when these lines came."""
        return [when for when, line in list(self.log) if re.search(pattern, line)]

    def wait_for(self, pattern: str) -> bool:
        """Wait until there is such a line; False when that does not happen."""
        end = time.monotonic() + self.seconds
        while not self.logged(pattern):
            if not self._process or not self._process.runs or time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def _reserve(self, host: str = HOST) -> int:
        """Return a free port. It is bound as long as this is there, so that nothing else gets it while the broker is
        down: a client that tries to connect could get it as its own port, and would then be connected to itself."""
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._reserved.append(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, 0))
        port: int = sock.getsockname()[1]
        return port

    def _is_ready(self) -> bool:
        return not self.ready or any(re.search(self.ready, line) for _, line in self.log[self._log_start :])

    def _prepare(self) -> None:
        """Write its configuration, into the folder."""

    def _command(self) -> tuple[list[str], dict[str, str]]:
        """The command that starts it, and what it needs in its environment."""
        raise NotImplementedError

    def _last_line(self) -> str:
        return self.log[-1][1] if self.log else "it printed nothing"


class Broker(Server):
    """One with a port for MQTT.

    port   the same after each start
    ports  of its other listeners by name: "ws", WebSocket, and "tls"; where there are none, there is no entry
    """

    def __init__(self, folder: Path) -> None:
        """folder: for its files; made if need be."""
        super().__init__(folder)
        self.port = self._reserve()
        self.ports: dict[str, int] = {}

    def _is_ready(self) -> bool:
        if not super()._is_ready():
            return False
        try:
            for port in (self.port, *self.ports.values()):
                socket.create_connection((HOST, port), 1).close()
        except OSError:
            return False
        return True
