"""Make what is given to users, in dist/: wheel, source archive, an archive for each profile, and SHA256SUMS.

From the same commit come the same bytes: times are the last commit's, names are sorted, modes are fixed.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import shutil
import stat
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

from tools import errors
from tools.commands import run
from tools.device import PROFILES, install
from tools.paths import REPO
from tools.repository import VARIABLE, web_address
from umqtt2 import __version__

FILE_MODE = 0o644


def release(folder: Path, profiles: list[str]) -> str:
    """Make all of it, and give the text of SHA256SUMS."""
    when = int(_git("log", "-1", "--format=%ct"))
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("umqtt2-*"), *folder.glob("SHA256SUMS")]:
        old.unlink()
    _python_packages(folder, when)
    for profile in profiles:
        _board_archive(folder, profile, when)
    made = sorted(folder.glob("umqtt2-*"))
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made)
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")
    return sums


def _python_packages(folder: Path, when: int) -> None:
    """Build wheel and source archive from a copy of what git knows: setuptools leaves files where it works."""
    with tempfile.TemporaryDirectory(prefix="umqtt2-release-") as place:
        source = Path(place, "umqtt2")
        for name in _git("ls-files", "-z").split("\0"):
            if name and (REPO / name).is_file():
                target = source / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(REPO / name, target)
                target.chmod(FILE_MODE)
        # Only where it is given, for the same bytes come from all checkouts of a commit.
        if os.environ.get(VARIABLE):
            setup = source / "setup.cfg"
            text = setup.read_text(encoding="utf-8")
            setup.write_text(text.replace("[metadata]\n", f"[metadata]\nurl = {web_address()}\n", 1), encoding="utf-8")
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(when)}
        run(command, "release: the build failed", cwd=source, env=environment, umask=0o022)
    for path in folder.glob("*.tar.gz"):
        _same_bytes(path, when)


def _same_bytes(path: Path, when: int) -> None:
    """Write a .tar.gz again without what differs from run to run: times, owners, modes, order."""
    out = io.BytesIO()
    with tarfile.open(path) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in sorted(filter(tarfile.TarInfo.isfile, old), key=lambda member: member.name):
            plain = tarfile.TarInfo(member.name)
            plain.size, plain.mtime = member.size, when
            new.addfile(plain, old.extractfile(member))
    path.write_bytes(gzip.compress(out.getvalue(), mtime=when))


def _board_archive(folder: Path, profile: str, when: int) -> None:
    """Write the archive of a profile: the folder umqtt2/ that goes into a board's /lib, and the licence."""
    path = folder / f"umqtt2-{__version__}-{profile}.zip"
    with tempfile.TemporaryDirectory(prefix="umqtt2-release-") as place, zipfile.ZipFile(path, "w") as archive:
        install(profile, Path(place))
        shutil.copy(REPO / "LICENSE", place)
        files = {file.relative_to(place).as_posix(): file for file in Path(place).rglob("*") if file.is_file()}
        for name, file in sorted(files.items()):
            info = zipfile.ZipInfo(name, time.gmtime(when)[:6])
            info.external_attr = (stat.S_IFREG | FILE_MODE) << 16
            archive.writestr(info, file.read_bytes(), zipfile.ZIP_DEFLATED)


def _git(*arguments: str) -> str:
    return run(["git", *arguments], f"release: git {arguments[0]} failed", cwd=REPO)


def main() -> None:
    """Make the release, and print its checksums."""
    parser = argparse.ArgumentParser("python -m tools.release", description="Make the files of a release.")
    parser.add_argument("--folder", type=Path, default=REPO / "dist", help="where to; default dist/")
    parser.add_argument("--profile", action="append", choices=PROFILES, help="a build for boards; default: all")
    options = parser.parse_args()
    print("Building wheel, source archive and an archive for each profile: half a minute", flush=True)
    if _git("status", "--porcelain"):
        print("There are changes that are not committed: they are in it", flush=True)
    print(release(options.folder.resolve(), options.profile or list(PROFILES)), end="")


if __name__ == "__main__":
    errors.run_main(main)
