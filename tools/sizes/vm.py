"""Run a compiled program on the 32-bit VM."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tools import fetch
from tools.errors import ToolError
from tools.micropython import probe

SECONDS = 60
ROOMY = 512 * 1024  # bytes of heap, when it is not what is measured


def start(folder: Path, program: str, *arguments: str, heap: int = ROOMY) -> subprocess.Popen[str]:
    """Start a program.

    folder  all that can be imported, besides what the VM has built in
    heap    bytes
    """
    command = [str(fetch.vm32()), "-X", f"heapsize={heap}", "-m", program, *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "MICROPYPATH": f"{folder}:.frozen"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def output(folder: Path, program: str, *arguments: str) -> list[str]:
    """Run a program to its end, and give the lines that it printed."""
    process = start(folder, program, *arguments)
    try:
        said, _ = process.communicate(timeout=SECONDS)
    finally:
        stop(process)
    if process.returncode:
        raise ToolError(f"{program}: it failed on the VM: {said.strip()}")
    return said.splitlines()


def stop(process: subprocess.Popen[str]) -> None:
    """End a program if it has not ended, and close its output."""
    if process.poll() is None:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def version() -> str:
    """The VM that the figures were measured on."""
    vm = probe(fetch.vm32())
    assert vm
    return f"MicroPython {'.'.join(map(str, vm.version))}, {vm.bits} bits"


def has_board_sizes() -> bool:
    """Whether objects are as large on this VM as on a board."""
    vm = probe(fetch.vm32())
    return bool(vm and vm.bits == 32)
