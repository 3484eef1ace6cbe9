"""Make .venv/ with pip: `python3 -m tools.makevenv`.

Without python3-venv, Debian's python3 has no ensurepip: pip then comes from Debian's python3-pip-whl.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tools import debian, errors
from tools.commands import run

REMEDY = "install python3-venv, or set PYTHON=/path"


def main() -> None:
    """Make it."""
    venv = [sys.executable, "-m", "venv", "--clear", ".venv"]
    if subprocess.run(venv, capture_output=True, check=False).returncode:
        run([*venv, "--without-pip"], f"venv: {sys.executable} cannot make one; {REMEDY}")
        with tempfile.TemporaryDirectory() as folder:
            debian.unpack(["python3-pip-whl"], "", Path(folder), REMEDY)
            for pip in Path(folder).rglob("pip-*.whl"):
                install = [".venv/bin/python", f"{pip}/pip", "install", "--no-deps", str(pip)]
                run(install, f"venv: {pip.name} does not install; {REMEDY}")


errors.run_main(main)
