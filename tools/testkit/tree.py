"""The package and programs, in a folder that a VM can import from."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tools import other_clients
from tools.commands import run
from tools.device import install
from tools.device.compiler import mpy_cross
from tools.paths import REPO

PACKAGE = REPO / "umqtt2"
NOT_ON_A_DEVICE = ("__main__.py", "cli", "cpython", "testing")
SOURCE = "source"
# Files of chumicro's packages for their tests, and for other interpreters than MicroPython.
NOT_FOR_A_BOARD = ("testing.py", "cp.py", "cpython.py")


def device_sources() -> list[Path]:
    """The files of the package that a device may have."""
    found = sorted(PACKAGE.rglob("*.py"))
    return [path for path in found if path.relative_to(PACKAGE).parts[0] not in NOT_ON_A_DEVICE]


def lay_out(tree: str, target: Path, *programs: Path, compiled: bool = True) -> None:
    """Put a tree of the package and programs into `target`.

    tree      SOURCE: the sources of this checkout; any other: the build of that profile
    programs  folders with programs
    compiled  as .mpy files, otherwise as .py
    """
    if tree == SOURCE:
        for path in device_sources():
            put(path, target / path.relative_to(REPO), compiled)
    else:
        install(tree, target)
    for folder in programs:
        for path in sorted(folder.glob("*.py")):
            put(path, target / path.name, compiled)


def lay_out_other(name: str, target: Path, flags: Sequence[str] = ()) -> None:
    """Put another client, by its name in `tools.other_clients`, and what it needs into `target`, compiled; flags: as
    those of `put`."""
    for module in other_clients.module_paths(name):
        for path in sorted(module.rglob("*.py")) if module.is_dir() else [module]:
            if path.name not in NOT_FOR_A_BOARD:
                put(path, target / path.relative_to(module.parent), flags=flags)


def put(source: Path, target: Path, compiled: bool = True, flags: Sequence[str] = ()) -> None:
    """Put one file into a tree, compiled or as it is.

    flags  of mpy-cross; by default, tracebacks have the file's name
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not compiled:
        shutil.copy(source, target)
        return
    flags = flags or ("-s", source.name)
    command = [str(mpy_cross()), *flags, "-o", str(target.with_suffix(".mpy")), str(source)]
    run(command, f"{source.name} does not compile")
