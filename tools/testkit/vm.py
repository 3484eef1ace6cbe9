"""Run a program on MicroPython, and read its output."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

EVENT_SECONDS = 100


class Failed(AssertionError):
    """The program raised or ended early; the text is its output."""


class Run:
    """A program while it runs. It prints events, each a line of JSON, and other lines as it likes."""

    def __init__(
        self, command: list[str], cwd: Path | None = None, environment: dict[str, str] | None = None
    ) -> None:
        self.output: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def event(self, name: str, seconds: float = EVENT_SECONDS) -> dict[str, Any]:
        """Wait for the next event, which must be `name`, and give its facts."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise self._failed(f"no event {name!r} within {seconds} s") from None
            if line is None:
                raise self._failed(f"it ended before the event {name!r}")
            if line.startswith('{"event"') or line.startswith('{"facts"'):
                said = json.loads(line)
                if said["event"] != name:
                    raise self._failed(f"event {said['event']!r} instead of {name!r}")
                return said["facts"]  # type: ignore[no-any-return]

    def done(self, seconds: float = EVENT_SECONDS) -> dict[str, Any]:
        """Wait until the program ends without an error; return its facts: `ms` it took."""
        facts = self.event("done", seconds)
        self._process.wait(5)
        return facts

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.output.append(line.rstrip())
            self._lines.put(line.strip())
        self._lines.put(None)

    def _failed(self, why: str) -> Failed:
        return Failed("\n".join([f"the program on the device: {why}. It printed:", *self.output]))


def mpremote(port: str, *arguments: str) -> list[str]:
    """The command line of mpremote, for a board at a port."""
    return [sys.executable, "-m", "mpremote", "connect", port, *arguments]


def mpy_version(run: list[str]) -> int:
    """The version of the .mpy files that a MicroPython reads; `run` is the command that runs a line on it."""
    ask = "import sys; print(sys.implementation._mpy & 255)"
    return int(subprocess.run([*run, ask], capture_output=True, check=True).stdout)
