"""The package files for mip at the root of the repository: which sources each profile has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.packages.manifests import Manifest, version
from tools.paths import REPO

# The name of each package file, and of the manifest that says what is in it.
PACKAGES = {
    "package.json": "umqtt2-simple",
    "package-core.json": "umqtt2-core",
    "package-simple.json": "umqtt2-simple",
    "package-simple5.json": "umqtt2-simple5",
    "package-full.json": "umqtt2-full",
    "package-aio.json": "umqtt2-aio",
    "package-compat.json": "umqtt2-compat",
}


def content(manifest: str, base: str = "") -> dict[str, Any]:
    """What is in a package file.

    base  where the repository is, such as github:OWNER/umqtt2; "" makes addresses that are relative
          to the package file's own, which mip understands since 0.4 (MicroPython 1.25)
    """
    prefix = f"{base.rstrip('/')}/" if base else ""
    urls = [
        [target, prefix + source.relative_to(REPO).as_posix()]
        for target, source in Manifest(manifest).files.items()
    ]
    return {"version": version(), "urls": urls, "deps": []}


def write(folder: Path, base: str = "") -> list[Path]:
    """Write all package files into a folder, and give their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in PACKAGES]
    for path in paths:
        lines = ",\n".join(f"    {json.dumps(url)}" for url in content(PACKAGES[path.name], base)["urls"])
        head = f'{{\n  "version": {json.dumps(version())},\n  "urls": [\n'
        path.write_text(f'{head}{lines}\n  ],\n  "deps": []\n}}\n', encoding="utf-8")
    return paths
