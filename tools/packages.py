"""What a board installs umqtt2 from: package files for mip, made from the manifests.

python -m tools.packages [--base github:OWNER/umqtt2]  those at the root: which sources each profile has
python -m tools.packages PROFILE                       of a build for boards, into build/mip/
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from tools import errors
from tools.errors import ToolError
from tools.paths import BUILD, REPO

MANIFESTS = REPO / "manifests"
NAMES = sorted(path.parent.name for path in MANIFESTS.glob("*/manifest.py"))
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
INDEX = BUILD / "mip"
# What to do with a build. MicroPython prefers a .py file to an .mpy file of the same name beside it.
NEXT = """
Built in {built}/. To the board:
    .venv/bin/mpremote mkdir :/lib
    .venv/bin/mpremote cp -r {built}/umqtt2 :/lib/
or: .venv/bin/mpremote mip install {mip}/{name}.json
Delete the board's /lib/umqtt2 first when it has the sources (.py) or another profile: what is there of them would be
loaded, too."""


class Manifest:
    """A manifest and those that it requires. MicroPython's own tools/manifestfile.py is not on PyPI; this is the part
    of it that our manifests use.

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
        self._folder = MANIFESTS / name
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
        if self._libraries[library] != MANIFESTS or name not in NAMES:
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


def content(manifest: str, base: str = "") -> dict[str, Any]:
    """What is in a package file.

    base  where the repository is, such as github:OWNER/umqtt2; "" makes addresses that are relative
          to the package file's own, which mip understands since 0.4 (MicroPython 1.25)
    """
    prefix = f"{base.rstrip('/')}/" if base else ""
    files = Manifest(manifest).files.items()
    urls = [[target, prefix + source.relative_to(REPO).as_posix()] for target, source in files]
    return {"version": version(), "urls": urls, "deps": []}


def write(folder: Path, base: str = "") -> list[Path]:
    """Write all package files into a folder, and give their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, manifest in PACKAGES.items():
        lines = ",\n".join(f"    {json.dumps(url)}" for url in content(manifest, base)["urls"])
        head = f'{{\n  "version": {json.dumps(version())},\n  "urls": [\n'
        (folder / name).write_text(f'{head}{lines}\n  ],\n  "deps": []\n}}\n', encoding="utf-8")
    return [folder / name for name in PACKAGES]


def add(profile: str, built: Path, folder: Path = INDEX) -> str:
    """Add a build for boards to a package index of our own, as the package `umqtt2-PROFILE`, and give that name.

    The index has the form that mip takes packages from, and any web server can serve it. The oldest mip can use it,
    because no file in it has to know the server's address, and mip asks for the .mpy version that the board reads.

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
    known = {"version": version(), "deps": []}
    for label in ("latest", version()):
        path = folder / "package" / str(mpy_format) / name / f"{label}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"v": 1, "hashes": hashes, "urls": [], **known}) + "\n", encoding="utf-8")
    # The same as a package file, which mpremote installs without a server.
    urls = [[target, f"file/{short[:2]}/{short}"] for target, short in hashes]
    (folder / f"{name}.json").write_text(json.dumps({"urls": urls, **known}) + "\n", encoding="utf-8")
    return name


def main() -> None:
    """Write the package files."""
    parser = argparse.ArgumentParser("python -m tools.packages", description="Write package files for mip.")
    parser.add_argument("profile", nargs="?", help="a profile that `make device` has built")
    parser.add_argument("--base", default="", help="where the repository is; default: relative addresses")
    options = parser.parse_args()
    if not options.profile:
        for path in write(REPO, options.base):
            print(path.relative_to(REPO))
        return
    built = BUILD / "device" / options.profile
    if not built.is_dir():
        raise ToolError(f"{options.profile}: not built; run `make device PROFILE={options.profile}` first")
    name = add(options.profile, built)
    print(NEXT.format(name=name, mip=INDEX.relative_to(REPO), built=built.relative_to(REPO)))


if __name__ == "__main__":
    errors.run_main(main)
