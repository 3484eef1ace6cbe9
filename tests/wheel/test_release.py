"""`make release`: the same files twice, with their checksums, and each works."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import fetch
from tools.paths import REPO
from umqtt2 import __version__

ADDRESS = "https://example.org/somebody/umqtt2"
PROGRAM = """
import sys
sys.path[:] = [sys.argv[1]]
import umqtt2
from umqtt2.transport.tls import TLSTransport
try:
    umqtt2.MQTTClient("id", "broker").publish("t", "m")
except umqtt2.MQTTException as error:
    print(error.args[0])
"""


def run(*command: str, **environment: str) -> str:
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two releases with one profile, made in two time zones and with two masks for modes."""
    found = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    for folder, zone, mask in zip(found, ("UTC", "Asia/Tokyo"), ("022", "077")):
        command = f'umask {mask}; exec "$0" -m tools.release --folder "$1" --profile simple'
        run("sh", "-c", command, sys.executable, str(folder), TZ=zone, UMQTT2_REPO_URL=ADDRESS)
    return found


@pytest.mark.timeout(400)
def test_the_same_bytes_twice(folders: tuple[Path, Path]) -> None:
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert sorted(first) == [
        "SHA256SUMS",
        f"umqtt2-{__version__}-py3-none-any.whl",
        f"umqtt2-{__version__}-simple.zip",
        f"umqtt2-{__version__}.tar.gz",
    ]
    assert {n for n in first if first[n] != second.get(n)} == set()


@pytest.mark.timeout(400)
def test_the_wheel_says_where_the_repository_is(folders: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(next(folders[0].glob("*.whl"))) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
        assert f"Home-page: {ADDRESS}\n" in wheel.read(name).decode()


@pytest.mark.timeout(400)
def test_the_checksums_are_right(folders: tuple[Path, Path]) -> None:
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folders[0], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": OK") == 3


@pytest.mark.timeout(400)
def test_the_archive_of_a_profile_runs_on_a_board(folders: tuple[Path, Path], tmp_path: Path) -> None:
    (archive,) = folders[0].glob("*-simple.zip")
    zipfile.ZipFile(archive).extractall(tmp_path)
    program = tmp_path / "main.py"
    program.write_text(PROGRAM, encoding="utf-8")
    assert run(str(fetch.vm32()), str(program), str(tmp_path)).strip() == "28"


@pytest.mark.timeout(400)
def test_the_wheel_installs(folders: tuple[Path, Path], tmp_path: Path) -> None:
    (wheel,) = folders[0].glob("*.whl")
    run(sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(tmp_path), str(wheel))
    program = "import umqtt2; print(umqtt2.__version__, umqtt2.__file__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == [__version__, str(tmp_path / "umqtt2" / "__init__.py")], done.stderr
