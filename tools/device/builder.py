"""Build a profile: merge, shrink, compile."""

from __future__ import annotations

import ast
import asyncio
import gc
import hashlib
import io
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tools.device import constants, flatten, inline, merge, once, order, rename, reuse, split, unused, versions, walk
from tools.device.compiler import mpy_cross
from tools.device.profiles import (
    ARGUMENTS,
    DECODED,
    DOCUMENTED,
    EXTENSION_POINTS,
    INTERNAL,
    NAMES_FULL,
    NO_SUBCLASS,
    ONCE,
    ONE_OBJECT,
    ONE_STORE,
    ONLY_FIVE,
    PROFILES,
    PUBLIC,
    RESIDENT,
    STILL_DOCUMENTED,
    SWITCHED_OFF,
    WITH_ONE_STORE,
)
from tools.device.texts import Texts, collect
from tools.paths import BUILD, REPO, locked, new_folder
from umqtt2 import __version__

ROOT = REPO / "umqtt2"
FRONT = {"MQTTClient", "MQTTException"}
TEXTS = "texts"  # the file that only exceptions need

# What the package uses besides its own classes.
FOREIGN: tuple[object, ...] = (io.BytesIO, io.FileIO, socket.socket, ssl.SSLContext, asyncio.Event, asyncio.Task)
FOREIGN += (str, bytes, bytearray, memoryview, int, float, list, dict, tuple, Exception)
FOREIGN += (gc, os, time, (item for item in [0]))  # the last one is a generator

# Private names of MicroPython's own, in asyncio.core.
ASYNCIO = {"_io_queue", "_task_queue"}


def build(profile: str, mpy_version: str = "") -> Path:
    """Write build/device/PROFILE/ and return it; the arguments are those of `install`."""
    target = BUILD / "device" / profile
    with locked(f"device-{profile}"), new_folder(target) as folder:
        install(profile, folder, mpy_version)
    return target


def install(profile: str, folder: Path, mpy_version: str = "") -> None:
    """Write the files of a profile to `folder`, a board's /lib.

    profile      a name of PROFILES
    mpy_version  the MicroPython version of the board; default: that of the VMs used here
    """
    compiler = mpy_cross(mpy_version)
    state = _state(compiler)
    name = "-".join(filter(None, (profile, mpy_version)))
    # Kept, because the tests install the same files many times, in several processes.
    kept = BUILD / "kept" / name
    with locked(f"kept-{name}"):
        if not (kept / state).exists():
            with new_folder(kept) as draft:
                _make(profile, draft / state, compiler)
        shutil.copytree(kept / state, folder, dirs_exist_ok=True)


def _make(profile: str, folder: Path, compiler: Path) -> None:
    for name, source in sources(profile).items():
        _compile(compiler, source, folder, f"{merge.PACKAGE}/{name.replace('.', '/')}")


def _state(compiler: Path) -> str:
    # A digest of everything that the files of a profile depend on.
    files = [*sorted(ROOT.rglob("*.py")), *sorted(Path(__file__).parent.glob("*.py")), compiler]
    digest = hashlib.sha256(sys.version.encode())
    for path in files:
        content = path.read_bytes()
        digest.update(f"\n{path} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def sources(profile: str) -> dict[str, str]:
    """Return the source of each file of a profile, by the name of its module in the package.

    docs/design.md says under "Builds for a board" what the steps do.
    """
    files = {name: group for name, group in PROFILES[profile].items() if name != TEXTS}
    texts = Texts() if TEXTS in PROFILES[profile] else None
    wanted = tuple(part for group in files.values() for part in group)
    merged = merge.order(ROOT, wanted)
    public = {name for module in merged for name in PUBLIC.get(module, ())}
    keep = frozenset(FRONT | public)

    apart = tuple(part for name, group in files.items() if name != "__init__" for part in group)
    module = merge.merge(ROOT, wanted, (*apart, TEXTS) if texts else apart, frozenset(FRONT))
    store = ONE_STORE.get(profile, "")
    classes = (*INTERNAL, *NO_SUBCLASS, store, "MQTTClient") if store else (*INTERNAL, *NO_SUBCLASS)
    internal = _internal(module, (*INTERNAL, store), "Session" if store else "")
    once.mark(module, ONCE.get(profile, ()))
    versions.versions(module, profile in ONLY_FIVE)
    constants.constants(module, SWITCHED_OFF[profile])
    unused.unused(module, keep, internal, bool(store))
    collect(module, texts)
    unused.silent(module)
    unused.arguments(module, ARGUMENTS)
    if store:
        flatten.flatten(module, *ONE_OBJECT)
        flatten.defaults(module, ONE_OBJECT[0], inline.OBJECTS)
    detached = once.detach(module, internal)
    stay = keep | detached | (RESIDENT if detached else set())
    inline.inline(module, stay, internal)
    unused.unused(module, keep, internal, bool(store))
    rename.rename(module, keep | ASYNCIO, internal, classes)
    reuse.reuse(module)
    files = once.move(module, ONCE.get(profile, ()), files)
    out = split.split(ast.fix_missing_locations(module), files)
    out = {name: order.order(source) for name, source in out.items()}

    # A short text is a name for the VM, which takes fewest bytes, as long as its table of names has a place for it.
    version = f"str({__version__.encode()!r}, 'utf-8')" if profile in NAMES_FULL else repr(__version__)
    out["__init__"] += f"__version__ = {version}\n"
    if texts:
        out[TEXTS] = texts.file(ROOT / f"{TEXTS}.py")
    # The numbers, and the exception from where it is.
    out["errno"] = f"{_assignments('errno')}\nfrom {merge.PACKAGE} import MQTTException"
    if "v5" in merged:
        # Its names are numbers everywhere else.
        out["properties"] = _assignments("properties")
    for name in merged:
        if name in PUBLIC and name not in out:
            out[name] = f"from {_where(name, files)} import " + ", ".join(PUBLIC[name])
    return out


def _where(part: str, files: dict[str, tuple[str, ...]]) -> str:
    # What to import to get what a part of the package defines.
    file = next((name for name, group in files.items() if part in group), next(iter(files)))
    return merge.PACKAGE if file == "__init__" else f"{merge.PACKAGE}.{file}"


def _internal(module: ast.Module, classes: tuple[str, ...], contract: str) -> frozenset[str]:
    # Names without _ that nobody outside the package needs, of some classes; a contract does not hold in the build.
    text = (ROOT / "cpython/contracts.py").read_text()
    contracts = _attributes(ast.parse(text), lambda name: name not in ("Sink", "Packets", contract))
    own = _attributes(module, lambda name: name in classes)
    others = _attributes(module, lambda name: name not in classes)
    # Another object may have an attribute of the same name, which must keep it.
    foreign = {name for kind in FOREIGN for name in dir(kind)}
    fields = (n for call in ast.walk(module) if walk.called(call) == "namedtuple" for n in ast.walk(call))
    tuples = {field.value for field in fields if isinstance(field, ast.Constant) and isinstance(field.value, str)}
    extra = DECODED | EXTENSION_POINTS | (WITH_ONE_STORE if contract else set())
    stay = contracts | tuples | (others - extra) | foreign | (STILL_DOCUMENTED if contract else DOCUMENTED)
    return frozenset((own | extra) - stay)


def _attributes(module: ast.Module, wanted: Callable[[str], bool]) -> set[str]:
    # The names of methods and attributes of classes.
    found: set[str] = set()
    for owner in filter(lambda owner: wanted(owner.name), walk.classes(module).values()):
        found |= {f.name for f in walk.functions(owner)}
        found |= {n.attr for n in walk.attributes(owner, ast.Store) if walk.is_name(n.value, "self")}
        # What stands under `if EAGER:`, too.
        found = found.union(*(walk.stored(s) for s in owner.body if not isinstance(s, ast.FunctionDef)))
    return {name for name in found if not name.startswith("_")}


def _assignments(name: str) -> str:
    # What a module of the package assigns at the top.
    body = ast.parse((ROOT / f"{name}.py").read_text()).body
    return "\n".join(ast.unparse(s) for s in body if isinstance(s, ast.Assign))


def _compile(compiler: Path, source: str, folder: Path, name: str) -> None:
    draft, target = folder / f"{name}.py", folder / f"{name}.mpy"
    draft.parent.mkdir(parents=True, exist_ok=True)
    draft.write_text(source)
    # -s: the name in tracebacks, that of the package where nothing can be raised. -O3: no line numbers.
    shown = f"{name}.py" if "\ndef " in source or "\nclass " in source else merge.PACKAGE
    subprocess.run([str(compiler), "-O3", "-s", shown, "-o", str(target), str(draft)], check=True)
    draft.unlink()
