"""Build what goes into a board's /lib: `python -m tools.device PROFILE`, see `--help`."""

from __future__ import annotations

import argparse

from tools import errors
from tools.device.builder import build, sources
from tools.device.profiles import PROFILES


def main() -> None:
    """Build a profile, or show its source."""
    told = "Build a profile for boards, into build/device/PROFILE/."
    parser = argparse.ArgumentParser(prog="python -m tools.device", description=told)
    parser.add_argument("profile", choices=PROFILES, help="which parts of the package")
    parser.add_argument("--mpy-version", default="", help="MicroPython version of the board, such as 1.22.2")
    parser.add_argument("--source", action="store_true", help="print the merged source instead")
    options = parser.parse_args()
    if options.source:
        for name, source in sources(options.profile).items():
            print(f"# {name}\n{source}")
        return
    folder = build(options.profile, options.mpy_version)
    for path in sorted(folder.rglob("*.mpy")):
        print(f"{path.stat().st_size:6} {path.relative_to(folder)}")


errors.run_main(main)
