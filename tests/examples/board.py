"""A simulated board: a folder with the files that a user would copy to a real one."""

from __future__ import annotations

import os
import re
import time
from functools import lru_cache
from pathlib import Path

from tools import fetch
from tools.device import install
from tools.device.source import copy_sources
from tools.micropython import probe
from tools.paths import REPO
from tools.testkit.tree import made_mpy_version, put
from tools.testkit.vm import Run, mpy_version

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
        vm = fetch.vm32()
        known = probe(vm)
        assert known
        heap_kb = (heap_kb if reads_mpy() else SOURCE_HEAP_KB) * known.bits // 32
        command = [str(vm), "-X", f"heapsize={heap_kb}k", example]
        return Run(command, self.folder, {"MICROPYPATH": f"{self._lib}:.frozen"})

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
    end = time.monotonic() + SECONDS
    while True:
        for line in list(run.output):
            if words in line:
                return line
        assert time.monotonic() < end, f"no line with {words!r} in: {run.output}"
        time.sleep(0.01)


def make_lib(folder: Path) -> None:
    """Fill the boards' lib folder: the profile `full`, and the stand-ins for its hardware modules."""
    if reads_mpy():
        install(PROFILE, folder)
    else:
        copy_sources(folder / "umqtt2")
    for path in sorted(STANDINS.glob("*.py")):
        put(path, folder / path.name, reads_mpy())


@lru_cache
def reads_mpy() -> bool:
    """Whether the VM reads the .mpy files that are made here."""
    return mpy_version([str(fetch.vm32()), "-c"]) == made_mpy_version()
