"""The link to the repository: where its address comes from."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from mkdocs.exceptions import PluginError

from tools.docs import hooks
from tools.errors import ToolError
from tools.repository import VARIABLE, web_address

PAGE = "https://git.example.org/somebody/umqtt2"


def checkout(folder: Path, remote: str = "") -> Path:
    """A checkout that was cloned from somewhere, or from nowhere."""
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    if remote:
        subprocess.run(["git", "-C", str(folder), "config", "remote.origin.url", remote], check=True)
    return folder


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize(
    "remote, page",
    [
        (PAGE, PAGE),
        (PAGE + ".git", PAGE),
        (PAGE + "/", PAGE),
        ("https://user:secret@git.example.org/somebody/umqtt2.git", PAGE),
        ("http://git.example.org:8080/somebody/umqtt2", "http://git.example.org:8080/somebody/umqtt2"),
        ("git@git.example.org:somebody/umqtt2.git", PAGE),
        ("git.example.org:somebody/umqtt2", PAGE),
        ("ssh://git@git.example.org:2222/somebody/umqtt2.git", PAGE),
        ("/srv/git/umqtt2.git", ""),
        ("../umqtt2", ""),
        ("C:/git/umqtt2", ""),
        ("file:///srv/git/umqtt2", ""),
        ("http://user@127.0.0.1:8080/somebody/umqtt2", ""),
        ("http://localhost/umqtt2", ""),
        ("git@home:umqtt2", ""),
        ("git@nas.local:umqtt2", ""),
        ("https://git.example.org:x/umqtt2", ""),
        ("https://git.example.org", ""),
        ("", ""),
    ],
)
def test_the_address_is_that_of_the_clone(tmp_path: Path, remote: str, page: str) -> None:
    assert web_address(checkout(tmp_path / "clone", remote)) == page


def test_a_folder_without_git_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    assert web_address(tmp_path) == ""


def test_the_variable_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = checkout(tmp_path, PAGE)
    monkeypatch.setenv(VARIABLE, "https://example.org/fork/umqtt2")
    assert web_address(folder) == "https://example.org/fork/umqtt2"
    monkeypatch.setenv(VARIABLE, "")
    assert web_address(folder) == ""
    monkeypatch.setenv(VARIABLE, "umqtt2")
    with pytest.raises(ToolError, match="UMQTT2_REPO_URL=umqtt2 is not an address"):
        web_address(folder)


@pytest.mark.parametrize("address, name", [(PAGE, "git.example.org/somebody/umqtt2"), ("", None)])
def test_the_site_has_the_link_where_there_is_an_address(
    address: str, name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, address)
    config = hooks.on_config(SimpleNamespace(site_name="umqtt2"))
    assert (config.repo_url, config.repo_name) == (address, name)


def test_the_site_says_what_is_wrong_with_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "nothing")
    with pytest.raises(PluginError, match="UMQTT2_REPO_URL=nothing"):
        hooks.on_config(SimpleNamespace(site_name="umqtt2"))
