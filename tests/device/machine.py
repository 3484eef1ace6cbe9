"""Run a test program on MicroPython, and read its output."""

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

from tests.device.board import BOARD_FOLDER

# KB of heap: that of a small board for a build, more for the source tree, whose modules are not merged, and for
# programs that hold a 7 KB payload twice, umqtt.robust2 beside the client, or stores and reconnection.
HEAPS = {"source": 48}
BOARD_HEAP = 36
LARGER_HEAPS = {
    "source": {
        "large": 60,
        "long_topic": 56,
        "many": 64,
        "old_robust2": 56,
        "other_transport": 84,
        "qos2": 56,
        "robust": 60,
        "servers": 72,
        "streaming": 60,
        "waking": 52,
    },
    "simple": {"large": 40},
    "full": {
        "aio_out_of_memory": 72,
        "large": 46,
        "many": 50,
        "other_transport": 60,
        "out_of_memory": 64,
        "qos2": 42,
        "rejected": 50,
        "robust": 42,
        "servers": 46,
        "streaming": 40,
        "waking": 40,
    },
}
# These need asyncio too.
ASYNC: tuple[str, ...] = ("aio_away", "aio_blocked", "aio_cancel", "aio_converse", "aio_echo", "aio_first", "aio_idle")
ASYNC += ("aio_leave", "aio_queue", "aio_reconnect", "aio_refused", "aio_servers", "aio_worker", "router")
LARGER_HEAPS["source"].update(dict.fromkeys(ASYNC, 84))
LARGER_HEAPS["full"].update(dict.fromkeys(ASYNC, 66))
LARGER_HEAPS["source"].update(v5=96, v5_aio=112, allocations=72)
LARGER_HEAPS["full"].update(v5=72, v5_aio=88)
LARGER_HEAPS["simple5"] = {"large": 52, "v5": 48}
# What it takes more to reconnect, with larger messages, or with 20 messages in the queue.
LARGER_HEAPS["aio"] = dict.fromkeys(ASYNC, 44)
LARGER_HEAPS["aio"].update(aio_blocked=58, aio_converse=BOARD_HEAP, aio_echo=52, aio_leave=48)
TLS_HEAP = {"aio": 6, "full": 8}
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


class Vm:
    """A MicroPython executable of this machine, with a board's heap."""

    def __init__(self, path: Path, bits: int, folder: Path, tree: str) -> None:
        """
        folder  the package and the programs, see `tree.lay_out`
        tree    which package it is
        """
        self._path = path
        self._words = bits // 32  # everything is twice as large with 64 bits
        self._folder = folder
        self._tree = tree

    def start(self, program: str, config: dict[str, Any]) -> Run:
        """Start a program; `config` is its settings."""
        usual = HEAPS.get(self._tree, BOARD_HEAP)
        heap = LARGER_HEAPS.get(self._tree, {}).get(program, usual)
        if config["client"].get("ssl"):
            heap += TLS_HEAP.get(self._tree, 0)
        heap *= self._words
        return Run(
            [str(self._path), "-X", f"heapsize={heap}k", "-c", command(program, config)],
            self._folder,
            {"MICROPYPATH": f"{self._folder}:.frozen"},
        )


class Board:
    """A board at a serial port, with the package and the programs in BOARD_FOLDER."""

    def __init__(self, port: str) -> None:
        self._port = port

    def start(self, program: str, config: dict[str, Any]) -> Run:
        """Start a program; `config` is its settings."""
        code = f"import sys; sys.path.insert(0, {BOARD_FOLDER!r}); {command(program, config)}"
        return Run(mpremote(self._port, "exec", code))


def mpremote(port: str, *arguments: str) -> list[str]:
    """The command line of mpremote, for a board at a port."""
    return [sys.executable, "-m", "mpremote", "connect", port, *arguments]


def mpy_version(run: list[str]) -> int:
    """The version of the .mpy files that a MicroPython reads; `run` is the command that runs a line on it."""
    ask = "import sys; print(sys.implementation._mpy & 255)"
    return int(subprocess.run([*run, ask], capture_output=True, check=True).stdout)


def command(program: str, config: dict[str, Any]) -> str:
    """The line of MicroPython that runs a program."""
    return f"import harness; harness.main({program!r}, {config!r})"
