"""Make a program out of unpacked packages run with the libraries that were unpacked with it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path


def wrap(folder: Path, root: Path, program: str, settings: Mapping[str, str] = {}, name: str = "") -> Path:
    """Write a script in `folder` that runs `program` of the tree unpacked at `root`; give its path.

    The paths in it are relative, so that what holds them can be moved.

    program   its path in the tree, as a pattern
    settings  environment variables that it needs, each a path in the tree
    name      of the script; by default the program's
    """

    def beside(path: Path) -> str:
        return f"$here/{os.path.relpath(path, folder)}"

    found = next(root.glob(program))
    lines = [f'export {variable}="{beside(root / path)}"' for variable, path in settings.items()]
    start = f'"{beside(_loader(root))}" --library-path "{":".join(map(beside, _libraries(root)))}"'
    lines += [f'exec {start} "{beside(found)}" "$@"']
    return write_script(folder / (name or found.name), "here=${0%/*}", *lines)


def write_script(path: Path, *lines: str) -> Path:
    """Write a script of the shell; give its path."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def command(program: Path) -> list[str]:
    """The command that runs a program without the shell: what a wrapper has written, or the program itself."""
    with open(program, "rb") as file:
        if file.read(2) != b"#!":
            return [str(program)]
    words = shlex.split(program.read_text(encoding="utf-8").splitlines()[-1].replace("$here", str(program.parent)))
    return words[1:-1] if words and words[0] == "exec" and words[-1] == "$@" else [str(program)]


def _loader(root: Path) -> Path:
    # Besides it there are links to it.
    return next(path for path in sorted(root.rglob("ld[-6]*.so*")) if path.is_file() and not path.is_symlink())


def _libraries(root: Path) -> list[Path]:
    """The folders of the libraries in an unpacked tree."""
    triplet = _loader(root).parent.name
    folders = [path for path in (root / "lib" / triplet, root / "usr/lib" / triplet) if path.is_dir()]
    for folder in folders:
        # A few packages leave it to ldconfig to make the link by which a library is known.
        for path in folder.glob("*.so.*.*"):
            name, version = path.name.split(".so.")
            link = folder / f"{name}.so.{version.split('.')[0]}"
            if not link.exists():
                link.symlink_to(path.name)
    return folders
