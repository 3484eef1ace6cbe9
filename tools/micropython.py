"""What a MicroPython executable is: its version and its word size, as it says itself."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

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

    @property
    def supported(self) -> bool:
        """Whether umqtt2 supports its version."""
        return self.version >= OLDEST


def probe(path: Path | str) -> Vm | None:
    """Run an executable and ask what it is; None when it does not run here or is not MicroPython."""
    try:
        command = [str(path), "-c", ASK]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False
        )
        name, major, minor, bits = done.stdout.split()
        return Vm((int(major), int(minor)), int(bits)) if name == "micropython" else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
