"""Where the programs run: on this CPython, and on the 32-bit VM with the sources."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from tests.device.machine import command
from tools import fetch
from tools.paths import REPO
from tools.testkit.tree import PROGRAMS as HARNESS
from tools.testkit.tree import lay_out, made_mpy_version, put
from tools.testkit.vm import Run, mpy_version

PROGRAMS = Path(__file__).parent / "programs"
HEAP = 400  # KB: room for a packet of the largest size that the brokers take


class Cpython:
    """This CPython."""

    def start(self, program: str, config: dict[str, Any]) -> Run:
        """Start a program; `config` is its settings."""
        paths = os.pathsep.join(map(str, (REPO, PROGRAMS, HARNESS)))
        environment = {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
        return Run([sys.executable, "-u", "-c", command(program, config)], None, environment)


class Vm:
    """The 32-bit VM."""

    def __init__(self, folder: Path) -> None:
        """folder: empty, for the package and the programs."""
        self._path = fetch.vm32()
        self._folder = folder
        compiled = mpy_version([str(self._path), "-c"]) == made_mpy_version()
        lay_out("source", folder, compiled)
        for source in PROGRAMS.glob("*.py"):
            put(source, folder / source.name, compiled)

    def start(self, program: str, config: dict[str, Any]) -> Run:
        """Start a program; `config` is its settings."""
        return Run(
            [str(self._path), "-X", f"heapsize={HEAP}k", "-c", command(program, config)],
            self._folder,
            {"MICROPYPATH": f"{self._folder}:.frozen"},
        )
