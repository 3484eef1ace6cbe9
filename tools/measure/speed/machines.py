"""The machines that run the programs: the MicroPython VM with a board's heap, and this CPython."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools import fetch, other_clients
from tools.errors import ToolError
from tools.measure import loops
from tools.paths import REPO
from tools.testkit import vm
from tools.testkit.process import finish
from tools.testkit.tree import SOURCE

BOARD_KB = 36  # the heap of a small board
SOURCE_KB = 48  # for the source tree, which is not merged
TASKS_KB = 100  # of an ESP32: these clients take more
ROOMY_KB = 512  # so that no garbage is collected for a while
SECONDS = 120


class MicroPython:
    """The 32-bit VM, with a folder for each client."""

    def __init__(self, clients: list[str], profile: str, home: Path) -> None:
        """home: where to make them; profile: which build of umqtt2."""
        self._path = fetch.vm32()
        self.bits = 32 * vm.words(self._path)
        self._heap_kb = SOURCE_KB if profile == SOURCE else BOARD_KB
        self._folders = {client: loops.prepare(client, profile, home) for client in clients}

    @property
    def version(self) -> str:
        """As the VM says it."""
        ask = [str(self._path), "-c", "import sys; print(sys.version)"]
        said = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
        return said.strip().partition("; ")[2]

    def run(
        self, program: str, client: str, *arguments: object, core: int | None = None, heap_kb: int = 0
    ) -> dict[str, Any]:
        """Run a program for a client, on a core if one is given, and give what it found."""
        folder = self._folders[client]
        command = vm.command(self._path, heap_kb or self._heap_kb, "-c", _line(program, client, arguments))
        return _run(command, f"{program} of {client}", vm.imports(folder), folder, core)


class CPython:
    """The Python that this runs on."""

    def run(
        self, program: str, client: str, *arguments: object, core: int | None = None
    ) -> dict[str, Any]:
        """Run a program for a client, on a core if one is given, and give what it found."""
        path = os.pathsep.join(map(str, [loops.PROGRAMS, REPO, other_clients.source_folder("gmqtt")]))
        command = [sys.executable, "-c", _line(program, client, arguments)]
        return _run(command, f"{program} of {client}", {"PYTHONPATH": path}, REPO, core)


def _line(program: str, client: str, arguments: tuple[object, ...]) -> str:
    return f"import {program}; {program}.main{(client, *arguments)!r}"


def _run(
    command: list[str], what: str, environment: dict[str, str], folder: Path, core: int | None
) -> dict[str, Any]:
    """Run a command; the last line that it prints is what it found, as JSON."""
    try:
        pin = None if core is None else lambda: os.sched_setaffinity(0, {core})
        done = finish(command, folder, environment, SECONDS, preexec_fn=pin)
    except subprocess.TimeoutExpired:
        raise ToolError(f"bench: {what} has not ended after {SECONDS} s") from None
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        raise ToolError(f"bench: {what} failed; it says why above")
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]
