"""Build a profile: merge, shrink, compile."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

from tools.device import inline, merge, rename, reuse, shrink, split
from tools.device.compiler import mpy_cross
from tools.device.profiles import PROFILES, PUBLIC
from tools.device.source import PACKAGE
from tools.place import BUILD, fresh, locked

ROOT = PACKAGE
FRONT = {"MQTTClient", "MQTTException"}

# Private names that compat/umqtt/simple2.py uses.
SHIM = {"_open", "_send", "_status"}

# Private names of MicroPython's own, in asyncio.core.
ASYNCIO = {"_io_queue", "_task_queue"}


def build(profile: str, mpy_version: str = "") -> Path:
    """Write build/device/PROFILE/ and return it; the arguments are those of `install`."""
    target = BUILD / "device" / profile
    with locked(f"device-{profile}"), fresh(target) as folder:
        install(profile, folder, mpy_version)
    return target


def install(profile: str, folder: Path, mpy_version: str = "") -> None:
    """Write the files of a profile to `folder`, a board's /lib.

    profile      a name of PROFILES
    mpy_version  the MicroPython version of the board; default: that of the VMs used here
    """
    compiler = mpy_cross(mpy_version)
    for name, source in sources(profile).items():
        _compile(compiler, source, folder / merge.PACKAGE / (name.replace(".", "/") + ".mpy"))


def sources(profile: str) -> dict[str, str]:
    """Return the source of each file of a profile, by the name of its module in the package."""
    files = PROFILES[profile]
    parts = tuple(part for group in files.values() for part in group)
    merged = merge.order(ROOT, parts)
    public = {name for module in merged for name in PUBLIC.get(module, ())}
    keep = frozenset(FRONT | public)

    apart = tuple(part for name, group in files.items() if name != "__init__" for part in group)
    module = merge.merge(ROOT, parts, apart, frozenset(FRONT))
    shrink.texts(module)
    shrink.handlers(module)
    shrink.constants(module)
    shrink.unused(module, keep)
    inline.inline(module, keep | SHIM)
    shrink.unused(module, keep)
    reuse.reuse(module)
    rename.rename(module, keep | SHIM | ASYNCIO)
    out = split.split(ast.fix_missing_locations(module), files)

    out["errno"] = _numbers()
    for name in merged:
        if name in PUBLIC and name not in out:
            out[name] = f"from {merge.PACKAGE} import " + ", ".join(PUBLIC[name])
    return out


def _numbers() -> str:
    # umqtt2.errno without what the merged module has: the numbers, and the exception from there.
    module = ast.parse((ROOT / "errno.py").read_text())
    module.body = [s for s in module.body if isinstance(s, ast.Assign)]
    module.body += ast.parse(f"from {merge.PACKAGE} import MQTTException").body
    return ast.unparse(module)


def _compile(compiler: Path, source: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_suffix(".py")
    path.write_text(source)
    # -s: the name in tracebacks; this one is in every MicroPython already. -O3: no line numbers.
    subprocess.run([str(compiler), "-O3", "-s", "main", "-o", str(target), str(path)], check=True)
    path.unlink()
