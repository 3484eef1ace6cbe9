"""The clients that umqtt2 is held against: source archives from PyPI, unpacked below build/peers/.

pip cannot fetch them, for they have no setup.py. They are never committed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from tools.missing import Missing
from tools.place import BUILD, fresh, locked

VERSIONS = {
    "umqtt.simple": "1.3.4",
    "umqtt.robust": "1.0",
    "umqtt.simple2": "2.2.0",
    "umqtt.robust2": "2.2.0",
}


def folder(name: str) -> Path:
    """The sources of a peer, a folder that has `umqtt/` in it; `name` is a key of VERSIONS."""
    version = VERSIONS[name]
    target = BUILD / "peers" / f"{name}-{version}"
    with locked(f"peer-{name}"):
        if not target.exists():
            with tempfile.TemporaryDirectory() as place, fresh(target) as draft:
                unpack(_download(f"micropython-{name}", version, Path(place)), draft)
                if not (draft / "umqtt").is_dir():
                    raise Missing(f"{name} {version}: the archive from PyPI has no folder umqtt")
    return target


def unpack(archive: Path, target: Path) -> None:
    """Unpack what is inside the archive's one top folder: plain files only, and none outside `target`."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                inside = PurePosixPath(member.name).parts[1:]
                if member.isfile() and inside and ".." not in inside:
                    path = target.joinpath(*inside)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    data = tar.extractfile(member)
                    assert data
                    path.write_bytes(data.read())
    except (tarfile.TarError, OSError, EOFError) as error:
        raise Missing(f"{archive.name}: it does not unpack: {error}") from None


def _download(project: str, version: str, place: Path) -> Path:
    """Fetch the source archive of a version, checked against the index's own digest."""
    try:
        from pypi_simple import PyPISimple
    except ImportError:
        raise Missing(f"{project}: no pypi-simple in this Python; `make venv` makes one with it") from None
    index = _index()
    try:
        with PyPISimple(index) if index else PyPISimple() as client:
            for package in client.get_project_page(project, timeout=60).packages:
                if package.version == version and package.package_type == "sdist":
                    path = place / package.filename
                    client.download_package(package, path, timeout=60)
                    return path
    except Exception as error:  # of requests or pypi-simple: no network, no such project, a wrong digest
        raise Missing(f"{project} {version}: it could not be fetched from PyPI: {_short(error)}") from None
    raise Missing(f"{project} {version}: PyPI has no source archive of it")


def _index() -> str:
    """The index that pip was told to use, or "" for PyPI itself."""
    given = os.environ.get("PIP_INDEX_URL")
    if given:
        return given
    ask = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    done = subprocess.run(ask, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _short(error: Exception) -> str:
    """The kind of an error and the first line of what it says, not too much of it."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:100]}"
