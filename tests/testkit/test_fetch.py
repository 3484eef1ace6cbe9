"""What is said where a program cannot be had, and which of a machine's mirrors is taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import chromium, debian, fetch, paths, unpacked
from tools.commands import said
from tools.errors import ToolError, Unsupported

URI = "'http://{0}/{1}/dists/{2}/main/binary-amd64/Packages.xz' {0}_{1}_{2}_Packages 0\n"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without programs and without apt-get; the folder is its build/."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    for name in ("MICROPYTHON", "MOSQUITTO", "VALGRIND", "CHROMIUM"):
        monkeypatch.delenv(name, raising=False)
    for module in (fetch, chromium, paths):
        monkeypatch.setattr(module, "BUILD", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "get, remedy",
    [
        (fetch.vm64, "install micropython 1.22 or later, or set MICROPYTHON=/path"),
        (fetch.vm_newest, "install micropython 1.22 or later, or set MICROPYTHON=/path"),
        (fetch.mosquitto, "install mosquitto, or set MOSQUITTO=/path"),
        (fetch.valgrind, "install valgrind, or set VALGRIND=/path"),
        (chromium.chromium, "install chromium, or set CHROMIUM=/path"),
    ],
)
def test_without_apt_it_is_said_what_to_do(bare: Path, get: Callable[[], Path], remedy: str) -> None:
    with pytest.raises(Unsupported, match=f"apt-get and dpkg are not here to fetch it; {remedy}"):
        get()
    assert not [path for path in bare.iterdir() if path.name != "locks" and any(path.iterdir())]


def test_a_variable_that_names_another_program_is_said(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPYTHON", "/bin/true")
    with pytest.raises(ToolError, match="MICROPYTHON=/bin/true is no micropython that runs; correct or unset it"):
        fetch.vm32()


def test_where_no_32_bit_program_runs_the_other_vm_is_used(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = unpacked.write_script(bare / "other", 'echo "other $1"\n')
    monkeypatch.setattr(fetch, "vm64", lambda: other)
    assert said(str(fetch.vm32()), "VM") == "other VM\n"
    assert capsys.readouterr().err.endswith("; using vm64\n")


@pytest.mark.parametrize(
    "release, listed, expected",
    [
        (
            "ID=debian\nVERSION_CODENAME=bookworm\n",
            [("mirror", "debian", "bookworm-updates"), ("mirror", "debian", "bookworm")],
            debian.Mirror("Debian", "http://mirror/debian", "bookworm"),
        ),
        (
            'ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME="noble"\nUBUNTU_CODENAME=noble\n',
            [("mirror", "ubuntu", "noble"), ("mirror", "ubuntu", "noble-security")],
            debian.Mirror("Ubuntu", "http://mirror/ubuntu", "noble"),
        ),
        (  # its own packages are in another archive
            'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n',
            [("packages", "mint", "wilma"), ("mirror", "ubuntu", "noble")],
            debian.Mirror("Ubuntu", "http://mirror/ubuntu", "noble"),
        ),
        ("", [("mirror", "debian", "sid")], debian.Mirror("Debian", "http://mirror/debian", "sid")),
    ],
)
def test_the_mirror_is_that_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    release: str,
    listed: list[tuple[str, str, str]],
    expected: debian.Mirror,
) -> None:
    monkeypatch.setattr(debian, "RELEASE", tmp_path / "os-release")
    debian.RELEASE.write_text(release)
    monkeypatch.setattr(debian, "_run", lambda command, doing: "".join(URI.format(*one) for one in listed))
    assert debian.mirror.__wrapped__() == expected


def test_what_was_made_of_something_else_is_made_anew(bare: Path) -> None:
    made: list[str] = []

    def make(made_of: str) -> Path:
        return paths.made_once(bare / "thing", lambda folder: made.append(made_of), made_of)

    assert make("one") == make("one") == make("two") == bare / "thing"
    assert made == ["one", "two"]


def test_what_a_killed_process_has_left_is_removed(bare: Path) -> None:
    killed = paths.new_folder(bare / "thing")
    (killed.__enter__() / "cut").touch()
    with paths.new_folder(bare / "thing") as draft:
        assert not list(draft.iterdir())
        (draft / "whole").touch()
    assert [path.relative_to(bare).as_posix() for path in bare.rglob("*")] == ["thing", "thing/whole"]
