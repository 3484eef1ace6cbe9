"""Unpacking an archive that someone else has made."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tools.missing import Missing
from tools.peers import unpack


def archive(path: Path, *members: tarfile.TarInfo) -> Path:
    """An archive of these, each of five bytes."""
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            member.size = 5 if member.isfile() else 0
            tar.addfile(member, io.BytesIO(b"bytes"))
    return path


def test_nothing_leaves_the_folder(tmp_path: Path) -> None:
    link = tarfile.TarInfo("peer-1.0/umqtt/link.py")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    names = ["peer-1.0/umqtt/simple.py", "peer-1.0/../../outside.py", "/absolute/umqtt/inside.py", "top.py"]
    unpack(archive(tmp_path / "a.tar.gz", link, *map(tarfile.TarInfo, names)), tmp_path / "target")
    found = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")]
    assert [name for name in found if not name.startswith("target/")] == []
    assert (tmp_path / "target" / "umqtt" / "simple.py").read_bytes() == b"bytes"
    assert not (tmp_path / "target" / "umqtt" / "link.py").exists()


def test_no_archive(tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_bytes(b"not one")
    with pytest.raises(Missing, match=r"b\.tar\.gz: it does not unpack"):
        unpack(tmp_path / "b.tar.gz", tmp_path / "target")
