"""What a client takes without a network: files, bytes, heap of the import and of an object."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from tools import fetch
from tools.measure.sizes.clients import FLAGS, PROGRAMS, ROOMY_KB, Client, compile_program, mpy_bytes
from tools.testkit import vm
from tools.testkit.tree import put


class Cost(NamedTuple):
    """All in bytes, but `files` and `names`.

    mpy_bytes        of all files, as compiled for a board
    plain_bytes      the same without optimisation; None for our own builds, which have no such form
    loaded_bytes     of the files that the import loads
    import_heap      that the import takes
    tls_import_heap  that it takes together with what is loaded when TLS is asked for; None without TLS
    object_heap      that each client object takes, before it connects
    names            new to the VM with the import. Its tables of names double: the 15th, 55th, 135th
                     and 295th take 304, 608, 1,168 and 2,272 bytes. So a name more or less, also of the
                     program's own, can change import_heap a lot
    """

    files: int
    mpy_bytes: int
    plain_bytes: int | None
    loaded_bytes: int
    import_heap: int
    tls_import_heap: int | None
    object_heap: int
    names: int


def measure(client: Client) -> Cost:
    """Measure a client; the figures are exact, and the same each time."""
    with tempfile.TemporaryDirectory() as place:
        lib, run, plain = Path(place, "lib"), Path(place, "run"), Path(place, "plain")
        client.lay_out(lib)
        shutil.copytree(lib, run)
        if not client.ours:
            client.lay_out(plain, optimise=False)
        compile_program(PROGRAMS / "cost.py", run / "cost.mpy", client.module, client.arguments)
        lines = vm.output(fetch.vm32(), run, ROOMY_KB, "-m", "cost")
        names = [int(match[1]) for match in map(re.compile(r".*n_qstr=(\d+)").match, lines) if match]
        lines = [line for line in lines if not line.startswith("qstr pool")]
        loaded = [run / line for line in lines[2:] if line.endswith(".mpy")]
        return Cost(
            files=len(list(lib.rglob("*.mpy"))),
            mpy_bytes=mpy_bytes(lib),
            plain_bytes=None if client.ours else mpy_bytes(plain),
            loaded_bytes=sum(path.stat().st_size for path in loaded),
            import_heap=int(lines[0]),
            tls_import_heap=int(lines[0]) + _tls(client, run) if client.tls else None,
            object_heap=int(lines[1]),
            names=names[1] - names[0],
        )


def _tls(client: Client, run: Path) -> int:
    """What TLS adds to the import; for the other clients it is a module of the firmware."""
    if not client.ours:
        return 0
    put(PROGRAMS / "modules.py", run / "modules.py", flags=FLAGS)
    names = (client.module, f"{client.module.partition('.')[0]}.transport.tls")
    lines = vm.output(fetch.vm32(), run, ROOMY_KB, "-m", "modules", *names)
    return int(lines[1].split()[1])
