"""The other clients are fetched by pip, with its own settings, and unpacked: archives that someone else has made."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.other_clients import OTHER_CLIENTS, OtherClient, fetch, module_paths


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of archives, which pip is set to take instead of PyPI; beside it is one to unpack into."""
    found = tmp_path / "index"
    found.mkdir()
    (tmp_path / "target").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(found))
    return found


def release(index: Path, version: str, *names: str) -> OtherClient:
    """A release of a client that has no setup.py, in the index; its files are of five bytes."""
    top = f"micropython-umqtt.client-{version}"
    path = index / f"{top}.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size = 5
            tar.addfile(member, io.BytesIO(b"bytes"))
    return OtherClient("umqtt.client", version, hashlib.sha256(path.read_bytes()).hexdigest())


def test_pip_fetches_with_its_own_settings(index: Path, tmp_path: Path) -> None:
    wanted = release(index, "1.0", "umqtt/simple.py", "micropython_umqtt.client.egg-info/PKG-INFO")
    release(index, "2.0", "umqtt/newer.py")
    fetch(wanted, tmp_path / "target")
    assert (tmp_path / "target" / "umqtt" / "simple.py").read_bytes() == b"bytes"
    assert not (tmp_path / "target" / "umqtt" / "newer.py").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "target"]


def test_another_archive_than_before(index: Path, tmp_path: Path) -> None:
    wanted = release(index, "1.0", "umqtt/simple.py")
    release(index, "1.0", "umqtt/simple.py", "umqtt/more.py")
    with pytest.raises(ToolError, match=r"^umqtt.client 1\.0: .* has a SHA-256 different"):
        fetch(wanted, tmp_path / "target")
    assert not list((tmp_path / "target").iterdir())


def test_an_archive_that_leaves_its_folder(index: Path, tmp_path: Path) -> None:
    wanted = release(index, "1.0", "umqtt/simple.py", "../../outside.py")
    with pytest.raises(ToolError, match=r"-1\.0\.tar\.gz: it does not unpack"):
        fetch(wanted, tmp_path / "target")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "target"]


def test_not_in_the_index(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^umqtt.client 1\.0: pip could not fetch it: no such version") as caught:
        fetch(OtherClient("umqtt.client", "1.0", ""), tmp_path / "target")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", OTHER_CLIENTS)
def test_every_other_client_is_there(name: str) -> None:
    try:
        assert module_paths(name)
    except ToolError as error:
        pytest.fail(str(error), pytrace=False)
