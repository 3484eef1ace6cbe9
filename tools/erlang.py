"""Programs of Erlang, unpacked with the Erlang that they need: they run from any folder, without root."""

from __future__ import annotations

from pathlib import Path

from tools import debian, unpacked
from tools.paths import BUILD, made_once

HOME = "usr/lib/erlang"
ELF = b"\x7fELF"


def script(name: str, suite: str, package: str, started: str, library: str = "") -> Path:
    """A script that starts a program of a package with the Erlang that was unpacked with it.

    name     of the script and of its folder below build/
    started  the program's path in the tree, as a pattern
    library  that of something in the folder of what it loads besides
    """

    def make(folder: Path) -> None:
        root = folder / "root"
        debian.unpack([package], suite, root, "do without it")
        _make_movable(root)
        lines = ['here=$(cd "${0%/*}" && pwd)/root', f'export ERL_ROOTDIR="$here/{HOME}" PATH="$here/{HOME}/bin:$PATH"']
        if library:
            lines.append(f'export ERL_LIBS="$here/{next(root.glob(library)).parent.relative_to(root)}"')
        program = next(root.glob(started)).relative_to(root)
        unpacked.write_script(folder / name, *lines, f'exec "$here/{program}" "$@"')

    return made_once(BUILD / name, make) / name


def program(root: Path, name: str) -> Path:
    """One of Erlang's own programs, in an unpacked tree."""
    return next((root / HOME).glob(f"erts-*/bin/{name}"))


def _make_movable(root: Path) -> None:
    """Make each of Erlang's own programs a script that starts it with the libraries that came with it."""
    for path in [*program(root, "erlexec").parent.iterdir(), *root.glob(f"{HOME}/lib/os_mon-*/priv/bin/*")]:
        with open(path, "rb") as file:
            is_program = file.read(4) == ELF
        if is_program:
            moved = path.rename(path.with_name(path.name + ".elf"))
            unpacked.wrap(path.parent, root, str(moved.relative_to(root)), name=path.name)
    # Debian's `erl` does not ask the variable.
    for path in (root / HOME / "bin/erl", program(root, "erl")):
        path.write_text(path.read_text("utf-8").replace(f"ROOTDIR=/{HOME}", "ROOTDIR=$ERL_ROOTDIR"))
