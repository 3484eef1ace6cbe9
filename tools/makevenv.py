"""Make .venv/ with pip: `python3 tools/makevenv.py`.

Without python3-venv, Debian's python3 has no ensurepip: pip then comes from Debian's python3-pip-whl.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import debian, errors  # noqa: E402
from tools.commands import run  # noqa: E402
from tools.errors import ToolError  # noqa: E402
from tools.paths import REPO  # noqa: E402

REMEDY = "install python3-venv, or set PYTHON=/path"


def main() -> None:
    """Make it."""
    venv = [sys.executable, "-m", "venv", "--clear", str(REPO / ".venv")]
    if subprocess.run(venv, capture_output=True, check=False).returncode:
        run([*venv, "--without-pip"], f"venv: {sys.executable} cannot make one; {REMEDY}")
        with tempfile.TemporaryDirectory() as folder:
            debian.unpack(["python3-pip-whl"], "", Path(folder), REMEDY)
            pip = next(Path(folder).rglob("pip-*.whl"), None)
            if not pip:
                raise ToolError(f"venv: python3-pip-whl holds no pip; {REMEDY}")
            install = [str(REPO / ".venv/bin/python"), str(pip / "pip"), "install", "--no-deps", str(pip)]
            run(install, f"venv: {pip.name} does not install; {REMEDY}")


errors.run_main(main)
