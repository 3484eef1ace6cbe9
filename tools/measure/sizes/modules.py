"""What each module of the source tree takes by itself, before a build merges them."""

from __future__ import annotations

import ast
import tempfile
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

from tools import fetch
from tools.device.source import device_sources
from tools.measure.sizes.clients import FLAGS, PROGRAMS, ROOMY_KB
from tools.paths import REPO
from tools.testkit import vm
from tools.testkit.tree import put

PACKAGE = "umqtt2"


class Module(NamedTuple):
    """Bytes of its .mpy file, and what its import takes when those it imports are there already."""

    name: str
    mpy_bytes: int
    import_heap: int


def measure() -> list[Module]:
    """Measure all modules, each after those that it imports."""
    sources = {_name(path): path for path in device_sources()}
    order = list(TopologicalSorter({name: imports(name, sources) for name in sources}).static_order())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        sizes = {}
        for name, path in sources.items():
            target = folder / path.relative_to(REPO).with_suffix(".mpy")
            put(path, target, flags=FLAGS)
            sizes[name] = target.stat().st_size
        # The package's __init__ would import everything before the first module is measured.
        empty = folder / "empty.py"
        empty.touch()
        put(empty, folder / PACKAGE / "__init__.mpy", flags=FLAGS)
        put(PROGRAMS / "modules.py", folder / "modules.mpy", flags=FLAGS)
        order.remove(PACKAGE)
        lines = vm.output(fetch.vm32(), folder, ROOMY_KB, "-m", "modules", PACKAGE, *order)[1:]
    return [Module(name, sizes[name], int(heap)) for name, heap in (line.split() for line in lines)]


def _name(path: Path) -> str:
    parts = path.relative_to(REPO).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(name: str, sources: dict[str, Path]) -> set[str]:
    """Modules of the package that a module imports when it is imported itself."""
    found = {name.rpartition(".")[0]} & set(sources) - {PACKAGE}
    inside = sources[name].name == "__init__.py"
    tree = ast.parse(sources[name].read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            parts = name.split(".")
            base = parts[: len(parts) - node.level + inside]
            found |= {".".join([*base, *(node.module or "").split(".")])} & set(sources)
    return found
