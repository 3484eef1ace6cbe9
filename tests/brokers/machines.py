"""Where the programs run: on this CPython, and on the 32-bit VM with the sources."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from tests.device.machine import PROGRAMS as HARNESS
from tests.device.machine import command
from tools import fetch
from tools.paths import REPO
from tools.testkit import vm
from tools.testkit.tree import SOURCE, lay_out
from tools.testkit.vm import Run

PROGRAMS = Path(__file__).parent / "programs"
HEAP = 400  # KB: room for a packet of the largest size that the brokers take


class Cpython:
    """This CPython."""

    def __init__(self, folder: Path | None = None) -> None:
        """folder: it needs none."""

    def start(self, program: str, config: dict[str, Any]) -> Run:
        """Start a program; `config` is its settings."""
        paths = os.pathsep.join(map(str, (REPO, PROGRAMS, HARNESS)))
        environment = {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
        return Run([sys.executable, "-u", "-c", command(program, config)], None, environment, typed=True)


class Vm:
    """The 32-bit VM."""

    def __init__(self, folder: Path) -> None:
        """folder: empty, for the package and the programs."""
        self._path = fetch.vm32()
        self._folder = folder
        lay_out(SOURCE, folder, HARNESS, PROGRAMS, compiled=vm.reads_mpy(self._path))

    def start(self, program: str, config: dict[str, Any]) -> Run:
        """Start a program; `config` is its settings."""
        line = vm.command(self._path, HEAP, "-c", command(program, config))
        return Run(line, self._folder, vm.imports(self._folder), typed=True)


MACHINES: dict[str, Any] = {"cpython": Cpython, "vm32": Vm}
