"""Puts into the site what the playground loads: MicroPython, the editor, and umqtt2's sources, as one file of JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from tools import playground
from tools.paths import REPO

TARGET = "playground/made/"
PYTHON = REPO / "docs" / "playground" / "python"
# What a browser has in the place of these modules.
STAND_INS = {
    "transport.py": tuple(f"umqtt2/transport/{name}.py" for name in ("tcp", "tls", "websocket")),
    "playground.py": ("playground.py",),
}
# Not for MicroPython, or not for a browser.
LEFT_OUT = ("umqtt2/cpython/", "umqtt2/cli/", "umqtt2/__main__.py")


def sources() -> dict[str, str]:
    """The files of the VM's /lib: path and text."""
    found = {path.relative_to(REPO).as_posix(): path for path in sorted((REPO / "umqtt2").rglob("*.py"))}
    texts = {
        name: path.read_text(encoding="utf-8") for name, path in found.items() if not name.startswith(LEFT_OUT)
    }
    for name, targets in STAND_INS.items():
        for target in targets:
            texts[target] = (PYTHON / name).read_text(encoding="utf-8")
    return texts


def on_files(files: Files, config: Any) -> Files:
    """Called by mkdocs when it knows the files of the documentation: add those that are made."""
    folder = playground.build()
    for name in playground.FILES:
        files.append(File.generated(config, TARGET + name, abs_src_path=str(Path(folder, name))))
    files.append(File.generated(config, TARGET + "lib.json", content=json.dumps(sources())))
    return files
