"""Which files a manifest names, and which it brings by requiring others.

MicroPython's own tools/manifestfile.py is not on PyPI. This is the part of it that our manifests use.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tools.paths import REPO

FOLDER = REPO / "manifests"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/manifest.py"))


class Manifest:
    """A manifest and those that it requires.

    own       paths on the device of the files that this manifest names itself, and the source of each
    files     the same with those of all that it requires
    requires  names of the manifests that it requires itself
    metadata  its version, description and license
    """

    def __init__(self, name: str) -> None:
        self.own: dict[str, Path] = {}
        self.files: dict[str, Path] = {}
        self.requires: list[str] = []
        self.metadata: dict[str, str] = {}
        self._folder = FOLDER / name
        self._libraries: dict[str, Path] = {}
        functions = {
            "metadata": self.metadata.update,
            "add_library": self._add_library,
            "require": self._require,
            "package": self._package,
        }
        path = self._folder / "manifest.py"
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), functions)

    def _add_library(self, library: str, library_path: str) -> None:
        self._libraries[library] = (self._folder / library_path).resolve()

    def _require(self, name: str, library: str) -> None:
        if self._libraries[library] != FOLDER or name not in NAMES:
            raise ValueError(f"require: there is no {name} in {library}")
        self.requires.append(name)
        self.files.update(Manifest(name).files)

    def _package(self, package_path: str, files: tuple[str, ...], base_path: str) -> None:
        for name in files:
            target = f"{package_path}/{name}"
            source = (self._folder / base_path / target).resolve()
            if not source.is_file():
                raise ValueError(f"package: there is no {source}")
            self.own[target] = self.files[target] = source


def version() -> str:
    """The package's version."""
    text = (REPO / "umqtt2" / "__init__.py").read_text(encoding="utf-8")
    match: Any = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return str(match[1])
