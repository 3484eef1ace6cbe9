"""Make an Erlang that was unpacked with its libraries run from any folder, without root.

Each of its programs becomes a script that starts it with the loader and the libraries that came with it, and
`erl`, which knows no place but /usr/lib/erlang, finds its files beside itself.
"""

from __future__ import annotations

from pathlib import Path

from tools import unpacked

HOME = "usr/lib/erlang"
ELF = b"\x7fELF"

ERL = """ROOTDIR=$(cd "${{0%/*}}/.." && pwd)
BINDIR=$ROOTDIR/{bin}
EMU=beam
PROGNAME=erl
export ROOTDIR BINDIR EMU PROGNAME
exec "$BINDIR/erlexec" "$@"
"""
FOUND = """exec "${0%/*}/../../bin/erl" "$@"
"""
SCRIPT = """# Starts a program of the tree beside it with the Erlang that was unpacked with it.
here=$(cd "${{0%/*}}" && pwd)
PATH="$here/{erlang}/bin:$PATH"
export PATH
{more}exec "$here/{program}" "$@"
"""


def make_movable(root: Path) -> None:
    """Change the tree that was unpacked at `root`, so that it runs there, and where it is moved to."""
    home = root / HOME
    folder = program(root, "erlexec").parent
    for path in [*folder.iterdir(), *home.glob("lib/os_mon-*/priv/bin/*")]:
        with open(path, "rb") as file:
            if file.read(4) != ELF:
                continue
        moved = path.rename(path.with_name(path.name + ".elf"))
        unpacked.wrap(path.parent, root, str(moved.relative_to(root)), name=path.name)
    unpacked.write_script(home / "bin" / "erl", ERL.format(bin=folder.relative_to(home)))
    # Which a node finds first when it starts another one, as it does to join a cluster.
    (folder / "erl").unlink()
    unpacked.write_script(folder / "erl", FOUND)


def program(root: Path, name: str) -> Path:
    """One of Erlang's own programs."""
    return next((root / HOME).glob(f"erts-*/bin/{name}"))


def write_script(path: Path, root: Path, started: Path, library: Path | None = None) -> None:
    """Write a script that starts a program of the tree with its Erlang; both are in the script's folder.

    library: the folder of what it loads besides
    """
    folder = path.parent
    erlang = (root / HOME).relative_to(folder)
    more = f'export ERL_LIBS="$here/{library.relative_to(folder)}"\n' if library else ""
    unpacked.write_script(path, SCRIPT.format(erlang=erlang, more=more, program=started.relative_to(folder)))
