"""Run a compiled program on the 32-bit VM."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tools import fetch
from tools.errors import ToolError
from tools.micropython import probe
from tools.testkit.process import finish
from tools.testkit.vm import imports

SECONDS = 60
ROOMY = 512 * 1024  # bytes of heap, when it is not what is measured


def run(
    folder: Path, program: str, *arguments: str, heap: int = ROOMY, seconds: float = SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end.

    folder  all that can be imported, besides what the VM has built in
    heap    bytes
    """
    command = [str(fetch.vm32()), "-X", f"heapsize={heap}", "-m", program, *arguments]
    return finish(command, folder, imports(folder), seconds)


def output(folder: Path, program: str, *arguments: str) -> list[str]:
    """Run a program to its end, and give the lines that it printed."""
    done = run(folder, program, *arguments)
    if done.returncode:
        raise ToolError(f"{program}: it failed on the VM: {done.stdout.strip()}")
    return done.stdout.splitlines()


def version() -> str:
    """The VM that the figures were measured on."""
    vm = probe(fetch.vm32())
    assert vm
    return f"MicroPython {'.'.join(map(str, vm.version))}, {vm.bits} bits"


def has_board_sizes() -> bool:
    """Whether objects are as large on this VM as on a board."""
    vm = probe(fetch.vm32())
    return bool(vm and vm.bits == 32)
