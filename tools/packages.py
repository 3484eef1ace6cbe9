"""What a board installs umqtt2 from: package files for mip, made from the manifests.

python -m tools.packages [--base github:OWNER/umqtt2]  those at the root: which sources each profile has
python -m tools.packages PROFILE                       of a build for boards, into build/mip/
"""

from __future__ import annotations

import argparse
import hashlib
import json
import runpy
from pathlib import Path
from typing import Any

from tools import errors
from tools.errors import ToolError
from tools.paths import BUILD, REPO
from umqtt2 import __version__

MANIFESTS = REPO / "manifests"
# The name of each package file, and of the manifest that says what is in it.
PACKAGES = {"package.json": "umqtt2-simple"}
PACKAGES |= {f"package-{name}.json": f"umqtt2-{name}" for name in "core simple simple5 full aio compat".split()}
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
    metadata  its version, description and license
    """

    def __init__(self, folder: Path) -> None:
        self.own: dict[str, Path] = {}
        self.files: dict[str, Path] = {}
        self.metadata: dict[str, str] = {}
        self._folder = folder
        self._libraries: dict[str, Path] = {}
        functions = {
            "metadata": self.metadata.update,
            "add_library": lambda name, path: self._libraries.update({name: folder / path}),
            "require": lambda name, library: self.files.update(Manifest(self._libraries[library] / name).files),
            "package": self._package,
        }
        runpy.run_path(str(folder / "manifest.py"), functions)

    def _package(self, package_path: str, files: tuple[str, ...], base_path: str) -> None:
        for name in files:
            target = f"{package_path}/{name}"
            self.own[target] = self.files[target] = (self._folder / base_path / target).resolve(strict=True)


def content(manifest: str, base: str = "") -> dict[str, Any]:
    """What is in a package file.

    base  where the repository is, such as github:OWNER/umqtt2; "" makes addresses that are relative
          to the package file's own, which mip understands since 0.4 (MicroPython 1.25)
    """
    prefix = f"{base.rstrip('/')}/" if base else ""
    files = Manifest(MANIFESTS / manifest).files.items()
    urls = [[target, prefix + source.relative_to(REPO).as_posix()] for target, source in files]
    return {"version": __version__, "urls": urls, "deps": []}


def write(folder: Path, base: str = "") -> list[Path]:
    """Write all package files into a folder, and give their paths."""
    for name, manifest in PACKAGES.items():
        lines = ",\n".join(f"    {json.dumps(url)}" for url in content(manifest, base)["urls"])
        text = f'{{\n  "version": "{__version__}",\n  "urls": [\n{lines}\n  ],\n  "deps": []\n}}\n'
        (folder / name).write_text(text, encoding="utf-8")
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
        _write(folder / "file" / short[:2] / short, data)
        hashes.append([path.relative_to(built).as_posix(), short])
    (mpy_format,) = formats
    known = {"version": __version__, "deps": []}
    entry = json.dumps({"v": 1, "hashes": hashes, "urls": [], **known}) + "\n"
    for label in ("latest", __version__):
        _write(folder / "package" / str(mpy_format) / name / f"{label}.json", entry.encode())
    # The same as a package file, which mpremote installs without a server.
    urls = [[target, f"file/{short[:2]}/{short}"] for target, short in hashes]
    _write(folder / f"{name}.json", json.dumps({"urls": urls, **known}).encode() + b"\n")
    return name


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


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
