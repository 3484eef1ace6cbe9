"""The device under test: a program on its own VM, whose power can be cut off."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Callable

from tools import fetch
from tools.testkit import vm
from tools.testkit.tree import lay_out as lay_out_tree
from umqtt2.cpython.aio import wait_for

PROGRAMS = Path(__file__).parent / "programs"
USUAL, ASYNCIO, FIVE, SOURCE = "usual", "asyncio", "five", "source"
# The package's tree on each kind of device, and its heap in KB. Builds fit into that of a small board, the source tree,
# which MQTT 5 needs, does not.
KINDS = {USUAL: ("full", 48), ASYNCIO: ("aio", 52), FIVE: ("source", 128), SOURCE: ("source", 64)}
REPORTS = {"begin", "accepted", "full", "asked", "ready", "status", "got", "up", "down", "over"}


class Crashed(Exception):
    """The program ended by itself; the text is its output."""


class Device:
    """Runs tasks with programs/messages.py, one after another; it is restarted after a power failure."""

    def __init__(self, command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
        """The command that starts the program, its folder and environment; `lay_out` makes them."""
        self._command = command
        self._folder = folder
        self._environment = {**os.environ, **environment}
        self._process: Process | None = None
        self._cut_off = False

    async def send_task(self, task: str) -> None:
        """Send a task; the program is started if it is not running."""
        if not self._process:
            self._cut_off = False
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=PIPE,
                stdout=PIPE,
                stderr=STDOUT,
            )
        self._write(task)

    def end(self) -> None:
        """Tell a running program to end its task."""
        if self._process:
            self._write("end")

    async def read_words(self) -> list[str]:
        """The words of its next complete line; [] after a power failure."""
        assert self._process and self._process.stdout
        line = await self._process.stdout.readline()
        words = line.decode(errors="replace").strip().split(maxsplit=2)
        if line.endswith(b"\n") and words and words[0] in REPORTS:
            return words
        if self._cut_off:
            await self.off()
            return []
        try:
            await wait_for(self._process.wait(), 1)
        except asyncio.TimeoutError:
            pass
        self.power_off()
        line += await self._process.stdout.read()
        await self.off()
        raise Crashed(line.decode(errors="replace") or "it ended without output")

    def power_off(self) -> None:
        """Cut off its power: SIGKILL."""
        if self._process and self._process.returncode is None:
            self._cut_off = True
            try:
                os.kill(self._process.pid, signal.SIGKILL)  # not asyncio's kill(), which may reap the process
            except ProcessLookupError:
                pass

    async def off(self) -> None:
        """Cut off its power, and wait until it is gone."""
        self.power_off()
        if self._process:
            await self._process.communicate()
            self._process = None

    def _write(self, line: str) -> None:
        assert self._process and self._process.stdin
        self._process.stdin.write(line.encode() + b"\n")


def lay_out(folder: Path, kind: str) -> Callable[[], Device]:
    """Put the package and the programs into a folder; return a function that makes a device of a kind."""
    tree, kilobytes = KINDS[kind]
    path = fetch.vm32()
    lay_out_tree(tree, folder, PROGRAMS, compiled=vm.reads_mpy(path))
    return lambda: Device(vm.command(path, kilobytes, "-c", "import messages"), folder, vm.imports(folder))
