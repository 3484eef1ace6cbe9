"""Make .venv/ with umqtt2 (editable) and what its tests need; a working one is brought up to date.

Without python3-venv, Debian's python3 has no ensurepip: pip then comes from Debian's python3-pip-whl.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

if not __package__:  # started as a file: the repository is not on the path then
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import debian, missing  # noqa: E402
from tools.missing import Missing  # noqa: E402
from tools.place import BUILD, REPO, fresh  # noqa: E402

VENV = REPO / ".venv"
PYTHON = VENV / "bin" / "python"


def main() -> None:
    """Make the environment and install the test tools."""
    if not _works():
        _create()
    install = [str(PYTHON), "-m", "pip", "install", "-qq", "--editable", ".[test]"]
    if subprocess.run(install, cwd=REPO, check=False).returncode:
        raise Missing("venv: pip could not install the test tools; it says why above")


def _create() -> None:
    """Make an environment with pip."""
    make = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if _has_ensurepip() and _quiet(make):
        return
    if not _quiet([*make, "--without-pip"]):
        raise Missing(f"venv: {sys.executable} cannot make one; install python3-venv, or set PYTHON=/path")
    wheel = _pip_wheel()
    if not _quiet([str(PYTHON), str(wheel / "pip"), "install", "--no-deps", str(wheel)]):
        raise Missing(f"venv: {wheel.name} does not install; install python3-venv, or set PYTHON=/path")


def _pip_wheel() -> Path:
    """The wheel of pip that Debian ships for environments."""
    folder = BUILD / "pip"
    if not folder.exists():
        if not debian.here():
            raise Missing(
                f"venv: {sys.executable} has no ensurepip, and apt-get is not here to fetch pip;"
                " install python3-venv, or set PYTHON=/path"
            )
        with fresh(folder) as draft:
            suite, arch = debian.mirror().suite, debian.architecture()
            debian.unpack(["python3-pip-whl"], suite, arch, draft, depends=False)
    wheel = next(folder.rglob("pip-*.whl"), None)
    if not wheel:
        raise Missing("venv: python3-pip-whl holds no pip; install python3-venv, or set PYTHON=/path")
    return wheel


def _works() -> bool:
    """Whether there is an environment that runs and has pip."""
    return PYTHON.exists() and _quiet([str(PYTHON), "-m", "pip", "--version"])


def _has_ensurepip() -> bool:
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        return False
    return True


def _quiet(command: list[str]) -> bool:
    """Whether a command ends well; what it prints is dropped."""
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    missing.run(main)
