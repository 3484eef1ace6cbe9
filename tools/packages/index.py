"""A package index of our own with the builds for boards, of the form that mip takes packages from.

Any web server can serve the folder. The oldest mip can use it, because no file in it has to know
the server's address, and mip asks for the .mpy version that the board reads.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tools.packages.manifests import version
from tools.paths import BUILD

FOLDER = BUILD / "mip"


def add(profile: str, built: Path, folder: Path = FOLDER) -> str:
    """Add a profile as the package `umqtt2-PROFILE`, and give that name.

    built  what goes into a board's /lib
    """
    name = f"umqtt2-{profile}"
    hashes = []
    formats = set()
    for path in sorted(built.rglob("*.mpy")):
        data = path.read_bytes()
        formats.add(data[1])
        short = hashlib.sha256(data).hexdigest()[:8]
        target = folder / "file" / short[:2] / short
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        hashes.append([path.relative_to(built).as_posix(), short])
    (mpy_format,) = formats
    package = {"v": 1, "version": version(), "hashes": hashes, "urls": [], "deps": []}
    for label in ("latest", version()):
        _write(folder / "package" / str(mpy_format) / name / f"{label}.json", package)
    # The same as a package file, which mpremote installs without a server.
    urls = [[target, f"file/{short[:2]}/{short}"] for target, short in hashes]
    _write(folder / f"{name}.json", {"version": version(), "urls": urls, "deps": []})
    return name


def _write(path: Path, package: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(package) + "\n", encoding="utf-8")
