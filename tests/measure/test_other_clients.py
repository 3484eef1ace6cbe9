"""The other clients are fetched by pip, with its own settings, and unpacked: archives that someone else has made."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.other_clients import OTHER_CLIENTS, OtherClient, fetch, module_path, source_folder, unpack


def archive(path: Path, *members: tarfile.TarInfo) -> Path:
    """An archive of these, each of five bytes."""
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            member.size = 5 if member.isfile() else 0
            tar.addfile(member, io.BytesIO(b"bytes"))
    return path


def test_nothing_leaves_the_folder(tmp_path: Path) -> None:
    link = tarfile.TarInfo("client-1.0/umqtt/link.py")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    names = ["client-1.0/umqtt/simple.py", "client-1.0/../../outside.py", "/absolute/umqtt/inside.py", "top.py"]
    unpack(archive(tmp_path / "a.tar.gz", link, *map(tarfile.TarInfo, names)), tmp_path / "target")
    found = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")]
    assert [name for name in found if not name.startswith("target/")] == []
    assert (tmp_path / "target" / "umqtt" / "simple.py").read_bytes() == b"bytes"
    assert not (tmp_path / "target" / "umqtt" / "link.py").exists()


def test_no_archive(tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_bytes(b"not one")
    with pytest.raises(ToolError, match=r"b\.tar\.gz: it does not unpack"):
        unpack(tmp_path / "b.tar.gz", tmp_path / "target")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of archives, which pip is set to take instead of PyPI."""
    found = tmp_path / "index"
    found.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(found))
    return found


def release(index: Path, version: str, *names: str) -> OtherClient:
    """A release of a client that has no setup.py, in the index."""
    top = f"micropython-client-{version}"
    path = archive(index / f"{top}.tar.gz", *(tarfile.TarInfo(f"{top}/{name}") for name in names))
    return OtherClient("micropython-client", version, hashlib.sha256(path.read_bytes()).hexdigest())


def test_pip_fetches_with_its_own_settings(index: Path, tmp_path: Path) -> None:
    wanted = release(index, "1.0", "umqtt/simple.py", "micropython_client.egg-info/PKG-INFO")
    release(index, "2.0", "umqtt/newer.py")
    fetch(wanted, tmp_path / "target")
    assert (tmp_path / "target" / "umqtt" / "simple.py").read_bytes() == b"bytes"
    assert not (tmp_path / "target" / "umqtt" / "newer.py").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "target"]


def test_another_archive_than_before(index: Path, tmp_path: Path) -> None:
    wanted = release(index, "1.0", "umqtt/simple.py")
    release(index, "1.0", "umqtt/simple.py", "umqtt/more.py")
    with pytest.raises(ToolError, match=r"^micropython-client 1\.0: .* has a SHA-256 different"):
        fetch(wanted, tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_an_archive_of_something_else(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"the archive has no umqtt$"):
        fetch(release(index, "1.0", "other/simple.py"), tmp_path / "target")


def test_not_in_the_index(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^micropython-client 1\.0: pip could not fetch it: no such version") as caught:
        fetch(OtherClient("micropython-client", "1.0", ""), tmp_path / "target")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", OTHER_CLIENTS)
def test_every_other_client_is_there(name: str) -> None:
    try:
        source_folder(name)
    except ToolError as error:
        pytest.fail(str(error), pytrace=False)
    assert module_path(name).exists()
