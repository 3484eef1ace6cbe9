"""Where the programs run: on this CPython, and on the 32-bit VM with the sources."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
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


Machine = Callable[[str, dict[str, Any]], Run]  # starts a program with settings


def cpython(program: str, config: dict[str, Any]) -> Run:
    """Start a program on this CPython."""
    paths = os.pathsep.join(map(str, (REPO, PROGRAMS, HARNESS)))
    environment = {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    return Run([sys.executable, "-u", "-c", command(program, config)], None, environment, typed=True)


def vm32(folder: Path) -> Machine:
    """The 32-bit VM; folder: empty, for the package and the programs."""
    path = fetch.vm32()
    lay_out(SOURCE, folder, HARNESS, PROGRAMS, compiled=vm.reads_mpy(path))

    def start(program: str, config: dict[str, Any]) -> Run:
        line = vm.command(path, HEAP, "-c", command(program, config))
        return Run(line, folder, vm.imports(folder), typed=True)

    return start


MACHINES: dict[str, Callable[[Path], Machine]] = {"cpython": lambda folder: cpython, "vm32": vm32}
