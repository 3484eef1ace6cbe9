"""A simulated board: a folder with the files that a user would copy to a real one."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from tools import fetch
from tools.paths import REPO
from tools.testkit import vm
from tools.testkit.tree import SOURCE, lay_out
from tools.testkit.vm import Run

EXAMPLES = REPO / "examples"
STANDINS = Path(__file__).parent / "standins"
PROFILE = "full"
HEAP_KB = 36  # an ESP8266's
SOURCE_HEAP_KB = 96  # the VM has to compile the package itself
SECONDS = 180


class Board:
    """One board; its files persist between starts, as on flash."""

    def __init__(self, folder: Path, lib: Path) -> None:
        """lib: what make_lib() has made."""
        self.folder = folder
        self._lib = lib
        for name in ("pins", "analog", "uart"):
            (folder / name).mkdir()

    def copy(self, example: str, **settings: object) -> None:
        """Copy an example to the board, with its settings edited."""
        text = (EXAMPLES / example).read_text()
        for name, value in settings.items():
            parts = re.split(rf"(?m)^{name} = .*$", text)
            assert len(parts) == 2, f"{example} has no setting {name}"
            text = f"{name} = {value!r}".join(parts)
        (self.folder / example).write_text(text)

    def start(self, example: str, heap_kb: int = HEAP_KB) -> Run:
        """Power the board on with an example as its program."""
        program = fetch.vm32()
        heap_kb = heap_kb if vm.reads_mpy(program) else SOURCE_HEAP_KB
        return Run(vm.command(program, heap_kb, example), self.folder, vm.imports(self._lib))

    def write(self, name: str, content: str) -> None:
        """Write a file atomically."""
        draft = self.folder / f"{name}.draft"
        draft.write_text(content)
        os.replace(draft, self.folder / name)

    def set_levels(self, pin: int, levels: str) -> None:
        """Set the levels that a pin reads, one digit for each read; wait until the last one is read."""
        self.write(f"pins/{pin}", levels)
        end = time.monotonic() + SECONDS
        while (self.folder / f"pins/{pin}").read_text() != levels[-1]:
            assert time.monotonic() < end, f"pin {pin} is not read"
            time.sleep(0.005)


def wait_for_line(run: Run, words: str) -> str:
    """Wait until a program prints a line with these words, and return it."""
    line = run.prints(words, SECONDS)
    assert line, f"no line with {words!r} in: {run.output}"
    return line


def make_lib(folder: Path) -> None:
    """Fill the boards' lib folder: the profile `full`, and the stand-ins for its hardware modules."""
    compiled = vm.reads_mpy(fetch.vm32())
    lay_out(PROFILE if compiled else SOURCE, folder, STANDINS, compiled=compiled)
