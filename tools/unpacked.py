"""Make a program out of unpacked packages run with the libraries that were unpacked with it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

LOADERS = ("ld-linux*.so*", "ld64.so*")


def wrap(folder: Path, root: Path, program: str, settings: dict[str, Path] | None = None, name: str = "") -> Path:
    """Write a script in `folder` that runs `program` of the tree unpacked at `root`; give its path.

    The paths in it are relative, so that what holds them can be moved.

    settings  environment variables that it needs, each a path
    name      of the script; by default the program's
    """

    def beside(path: Path) -> str:
        return f"$here/{os.path.relpath(path, folder)}"

    lines = [f'export {name}="{beside(path)}"\n' for name, path in (settings or {}).items()]
    start = f'"{beside(loader(root))}" --library-path "{":".join(map(beside, libraries(root)))}"'
    lines += [f'exec {start} "{beside(root / program)}" "$@"\n']
    return write_script(folder / (name or Path(program).name), "here=${0%/*}\n" + "".join(lines))


def write_script(path: Path, text: str) -> Path:
    """Write a script of the shell; give its path."""
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)
    return path


def make_links_relative(root: Path) -> None:
    """Let the absolute links of an unpacked tree lead to what is in it."""
    for path in root.rglob("*"):
        target = os.readlink(path) if path.is_symlink() else ""
        if target.startswith("/"):
            path.unlink()
            path.symlink_to(os.path.relpath(root / target[1:], path.parent))


def loader(root: Path) -> Path:
    """The loader in an unpacked tree."""
    # An absolute link would lead to the machine's own loader, so ignore links.
    found = (path for form in LOADERS for path in sorted(root.rglob(form)))
    return next(path for path in found if path.is_file() and not path.is_symlink())


def libraries(root: Path) -> list[Path]:
    """The folders of the libraries in an unpacked tree."""
    triplet = loader(root).parent.name
    folders = [path for path in (root / "lib" / triplet, root / "usr/lib" / triplet) if path.is_dir()]
    for folder in folders:
        # A few packages leave it to ldconfig to make the link by which a library is known.
        for path in folder.glob("*.so.*.*"):
            name, version = path.name.split(".so.")
            link = folder / f"{name}.so.{version.split('.')[0]}"
            if not link.exists():
                link.symlink_to(path.name)
    return folders


def command(program: Path) -> list[str]:
    """The command that runs a program without the shell: what a wrapper has written, or the program itself."""
    with open(program, "rb") as file:
        if file.read(2) != b"#!":
            return [str(program)]
    words = shlex.split(program.read_text(encoding="utf-8").splitlines()[-1].replace("$here", str(program.parent)))
    return words[1:-1] if words and words[0] == "exec" and words[-1] == "$@" else [str(program)]
