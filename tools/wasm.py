"""MicroPython's WebAssembly builds, installed with npm below build/npm/.

They have no sockets, but one of them is older and one newer than any MicroPython that Debian has.
`python -m tools.wasm` installs both.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tools import errors
from tools.errors import ToolError
from tools.node import install, npm
from tools.paths import BUILD, made_once

PACKAGE = "@micropython/micropython-webassembly-pyscript"

# The later of the two builds that call themselves 1.22 (a preview of it, built in January 2024):
# npm has no build of the release, and those that it calls 1.22.0-N are previews of 1.23.
OLDEST = "1.21.0-279"

NAMES = ("oldest", "newest")


def build(name: str) -> Path:
    """The folder with micropython.mjs of the "oldest" or "newest" build, installed when it is not yet."""

    def make(folder: Path) -> None:
        install(folder, f"{PACKAGE}@{OLDEST if name == 'oldest' else newest(_versions())}")

    return made_once(BUILD / "npm" / name, make) / "node_modules" / PACKAGE


def newest(versions: list[str]) -> str:
    """The highest version that is no preview; 1.29.0-6 is 1.29.0 with six fixes."""
    found = (re.fullmatch(r"(\d+)\.(\d+)\.(\d+)(?:-(\d+))?", text) for text in versions)
    stable = [match for match in found if match]
    return max(stable, key=lambda match: [int(part or 0) for part in match.groups()])[0]


def _versions() -> list[str]:
    """All versions that npm knows."""
    versions: list[str] = json.loads(npm("view", PACKAGE, "versions", "--json"))
    if not versions:
        raise ToolError(f"npm: it knows no version of {PACKAGE}")
    return versions


def main() -> None:
    """Install both builds."""
    for name in NAMES:
        print(f"{name}: {build(name)}")


if __name__ == "__main__":
    errors.run_main(main)
