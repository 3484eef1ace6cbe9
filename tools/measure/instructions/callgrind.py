"""Count the instructions of a program that the VM runs, from its start to its end."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from tools import fetch
from tools.errors import ToolError
from tools.testkit.process import Process
from tools.unpacked import command

HEAP = "4m"  # large enough that no garbage is collected; when that happens depends on the heap's size
SECONDS = 300


def count(folder: Path, line: str, ready: Callable[[], None]) -> int:
    """Run a line of Python, and give how many instructions the VM's process has executed.

    folder  all that can be imported, besides what the VM has built in
    line    prints "ready", reads a line, and does the rest
    ready   called when it is ready, before it gets the line
    """
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "callgrind.out"
        # An empty environment, so that the VM's stack does not depend on the size of the environment.
        environment = ["env", "-i", f"PATH={os.environ.get('PATH', '')}", f"MICROPYPATH={folder}:.frozen"]
        valgrind = [str(fetch.valgrind()), "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"]
        program = [*command(fetch.vm64()), "-X", f"heapsize={HEAP}", "-c", line]
        with Process([*environment, *valgrind, *program], folder, typed=True) as process:
            if process.prints("ready", SECONDS):
                ready()
                process.say()
            status = process.wait(SECONDS)
        if status:
            why = process.output[-1] if process.output else f"exit code {status}"
            raise ToolError(f"instructions: `{line}` failed under valgrind: {why}")
        return _total(out)


def _total(out: Path) -> int:
    """The sum in callgrind's file."""
    found = re.search(r"^summary: (\d+)", out.read_text(encoding="utf-8"), re.MULTILINE) if out.exists() else None
    if not found:
        raise ToolError("instructions: valgrind has counted nothing; is the VM a script? Set MICROPYTHON=/path")
    return int(found[1])
