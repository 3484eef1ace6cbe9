"""What builds may take at the most, kept in the repository: `make test` fails when one takes more."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from configparser import ConfigParser
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from tools import fetch
from tools.commands import run
from tools.micropython import probe
from tools.paths import REPO
from tools.tables import number

VM = "vm"  # the section that says what was measured on


class Budget(NamedTuple):
    """A file with a section for each build, below a comment that says what the figures are.

    room  a limit is that many times what was measured
    """

    file: Path
    room: float = 1

    def vm(self) -> str:
        """The VM that it holds for, as `bytes_on` or `instructions_on` says it."""
        return self._ini().get(VM, "version", fallback="")

    def read(self) -> dict[str, dict[str, float]]:
        """The limits of each build, by the name of the figure."""
        ini = self._ini()
        return {name: {key: float(value) for key, value in ini[name].items()} for name in ini.sections() if name != VM}

    def write(self, vm: str, rows: Mapping[str, Mapping[str, float | None]]) -> None:
        """Make the figures of some builds their limits; the others keep theirs."""
        ini = self._ini()
        ini.read_dict({VM: {"version": vm}})
        for build, figures in rows.items():
            limits = {name: round(value * self.room, 1) for name, value in figures.items() if value is not None}
            ini.read_dict({build: limits})
        lines = self.file.read_text(encoding="utf-8").splitlines(keepends=True)
        with open(self.file, "w", encoding="utf-8") as file:
            file.writelines([*takewhile(lambda line: line.startswith("#"), lines), "\n"])
            ini.write(file)

    def exceeded(self, build: str, figures: Mapping[str, float | None]) -> list[str]:
        """A line for each limit that a build exceeds; figures that were not measured are left out."""
        return [
            f"{build}: {name} is {number(found)}, over the budget of {number(limit)}"
            for name, limit in self.read().get(build, {}).items()
            if (found := figures.get(name) or 0) > limit
        ]

    def _ini(self) -> ConfigParser:
        ini = ConfigParser(interpolation=None)
        ini.read(self.file, encoding="utf-8")
        return ini


BYTES = Budget(REPO / "size-budget.ini")
# Counts are sometimes a little higher than the last time.
INSTRUCTIONS = Budget(REPO / "instruction-budget.ini", 1.02)


def bytes_on() -> str:
    """The VM that bytes of heap are measured on."""
    return str(probe(fetch.vm32()))


def instructions_on() -> str:
    """The VM that instructions are counted on: its version, its word size, its compiler, and the processor."""
    ask = [str(fetch.vm64()), "-c", "import sys; print(sys.implementation._machine)"]
    machine = run(ask, "the 64-bit VM does not say what it is").strip()
    return f"{probe(fetch.vm64())}, {machine}, {platform.machine()}"
