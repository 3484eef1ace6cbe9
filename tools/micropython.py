"""What a MicroPython executable is: its version and its word size, as it says itself."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tools.commands import said

OLDEST = (1, 22)
ASK = (
    "import sys; i = sys.implementation; "
    "print(i.name, i.version[0], i.version[1], 32 if sys.maxsize == 2**31 - 1 else 64)"
)


class Vm(NamedTuple):
    """A MicroPython that runs on this machine."""

    version: tuple[int, int]
    bits: int

    def __str__(self) -> str:
        return f"MicroPython {'.'.join(map(str, self.version))}, {self.bits} bits"


def probe(path: Path | str) -> Vm | None:
    """Run an executable and ask what it is; None when it does not run here or is not MicroPython."""
    name, *numbers = said(str(path), "-c", ASK).split() or [""]
    return Vm((int(numbers[0]), int(numbers[1])), int(numbers[2])) if name == "micropython" else None
