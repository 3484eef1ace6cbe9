"""Make .venv/ with umqtt2 (editable) and what its tests need; a working one is brought up to date.

`python3 tools/makevenv.py [EXTRA ...]` installs other extras of setup.cfg, too. A file .venv/NAME says that one is
there; it is older than setup.cfg or pyproject.toml when there may be more to install.

Without python3-venv, Debian's python3 has no ensurepip: pip then comes from Debian's python3-pip-whl.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

if not __package__:  # when it is run as a file, the repository is not on sys.path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import debian, errors  # noqa: E402
from tools.errors import ToolError  # noqa: E402
from tools.paths import BUILD, REPO, new_folder  # noqa: E402

VENV = REPO / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = {"test": "ready"}


def make(*extras: str) -> None:
    """Make the environment, and install the test tools and other extras as far as they are not there."""
    if all(map(_installed, ("test", *extras))):
        return
    if not _works():
        _create()
    wanted = ",".join(("test", *extras))
    # What is imported is compiled then: a small part of all.
    install = [str(PYTHON), "-m", "pip", "install", "-qq", "--no-compile", "--editable", f".[{wanted}]"]
    if subprocess.run(install, cwd=REPO, check=False).returncode:
        raise ToolError(f"venv: pip could not install {wanted}; it says why above")
    for extra in ("test", *extras):
        if not _installed(extra):
            _stamp(extra).touch()


def main() -> None:
    """Make the environment, with the extras on the command line."""
    make(*sys.argv[1:])


def _stamp(extra: str) -> Path:
    return VENV / STAMPS.get(extra, extra)


def _installed(extra: str) -> bool:
    """Whether an extra was installed since what it consists of has changed."""
    stamp = _stamp(extra)
    return stamp.exists() and all(
        (REPO / name).stat().st_mtime < stamp.stat().st_mtime for name in ("setup.cfg", "pyproject.toml")
    )


def _create() -> None:
    """Make an environment with pip."""
    make = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if _has_ensurepip() and _quiet(make):
        return
    if not _quiet([*make, "--without-pip"]):
        raise ToolError(f"venv: {sys.executable} cannot make one; install python3-venv, or set PYTHON=/path")
    wheel = _pip_wheel()
    if not _quiet([str(PYTHON), str(wheel / "pip"), "install", "--no-deps", str(wheel)]):
        raise ToolError(f"venv: {wheel.name} does not install; install python3-venv, or set PYTHON=/path")


def _pip_wheel() -> Path:
    """The wheel of pip that Debian ships for environments."""
    folder = BUILD / "pip"
    if not folder.exists():
        if not debian.here():
            raise ToolError(
                f"venv: {sys.executable} has no ensurepip, and apt-get is not here to fetch pip;"
                " install python3-venv, or set PYTHON=/path"
            )
        with new_folder(folder) as draft:
            suite, arch = debian.mirror().suite, debian.architecture()
            debian.unpack(["python3-pip-whl"], suite, arch, draft, depends=False)
    wheel = next(folder.rglob("pip-*.whl"), None)
    if not wheel:
        raise ToolError("venv: python3-pip-whl holds no pip; install python3-venv, or set PYTHON=/path")
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
    """Whether a command succeeds; its output is discarded."""
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    errors.run_main(main)
