"""Build a profile: merge, shrink, compile."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

from tools.device import inline, merge, rename, shrink
from tools.device.compiler import mpy_cross
from tools.device.profiles import PROFILES, PUBLIC
from tools.place import BUILD, REPO, fresh

ROOT = REPO / merge.PACKAGE
FRONT = frozenset({"MQTTClient", "MQTTException"})


def build(profile: str, mpy_version: str = "") -> Path:
    """Write build/device/PROFILE/ and return it.

    profile      a name of PROFILES
    mpy_version  the MicroPython version of the board; default: that of the VMs used here
    """
    compiler = mpy_cross(mpy_version)
    target = BUILD / "device" / profile
    with fresh(target) as folder:
        _compile(compiler, merged_source(profile), folder / merge.PACKAGE / "__init__.mpy")
        errno = ast.unparse(_numbers())
        _compile(compiler, errno, folder / merge.PACKAGE / "errno.mpy")
        for module, names in _files(profile).items():
            text = f"from {merge.PACKAGE} import " + ", ".join(names)
            _compile(compiler, text, folder / merge.PACKAGE / (module.replace(".", "/") + ".mpy"))
    return target


def merged_source(profile: str) -> str:
    """Return the source of a profile's one module."""
    module = merge.merge(ROOT, PROFILES[profile])
    keep = FRONT.union(*_files(profile).values())
    shrink.texts(module)
    shrink.constants(module, frozenset())
    shrink.unused(module, keep)
    inline.inline(module, keep | SHIM)
    shrink.unused(module, keep)
    rename.rename(module, keep | SHIM)
    return ast.unparse(ast.fix_missing_locations(module)) + "\n"


# Private names that compat/umqtt/simple2.py uses.
SHIM = frozenset({"_open", "_send", "_status"})


def _files(profile: str) -> dict[str, tuple[str, ...]]:
    merged = merge.order(ROOT, PROFILES[profile])
    return {module: names for module, names in PUBLIC.items() if module in merged}


def _numbers() -> ast.Module:
    # umqtt2.errno without what the merged module has: the numbers, and the exception from there.
    module = ast.parse((ROOT / "errno.py").read_text())
    module.body = [s for s in module.body if isinstance(s, ast.Assign)]
    module.body += ast.parse(f"from {merge.PACKAGE} import MQTTException").body
    return module


def _compile(compiler: Path, source: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_suffix(".py")
    path.write_text(source)
    # -s: the name in tracebacks; this one is in every MicroPython already. -O3: no line numbers.
    subprocess.run([str(compiler), "-O3", "-s", "main", "-o", str(target), str(path)], check=True)
    path.unlink()
