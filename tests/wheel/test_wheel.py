"""What goes to PyPI: it builds cleanly, and works in an empty environment as the README says."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tools.paths import REPO

PROGRAM = '''
from umqtt2 import MQTTClient, MQTTException
from umqtt2.errno import SDELIVERED
from umqtt2.robust import MQTTClient as Robust
from umqtt2.session.file import FileSession
from umqtt2.testing import FakeBroker


def on_message(topic: bytes, msg: bytes, retained: bool, dup: bool) -> None:
    print(topic.decode(), len(msg), retained, dup)


def on_status(pid: int, status: int) -> None:
    print(pid, status == SDELIVERED)


broker = FakeBroker()
client = MQTTClient("id", "broker", keepalive=30, transport=broker, clock=broker.clock)
client.set_callback(on_message)
client.set_callback_status(on_status)
resumed: bool = client.connect()
pid: "int | None" = client.publish("t", b"m", qos=1)
first: "int | None" = client.check_msg()
robust = Robust("id", "broker", session=FileSession("x"), backoff=(1, 30))
connected: bool = robust.is_connected()
'''


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel and the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    # From a copy: setuptools leaves a folder build/ where it works.
    source = tmp_path_factory.mktemp("source") / "umqtt2"
    run("git", "clone", "-q", str(REPO), str(source), cwd=REPO)
    for name in ("umqtt2", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        run("cp", "-r", str(REPO / name), str(source), cwd=REPO)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)]
    done = run(*command, cwd=source)
    assert "deprecat" not in done.lower()
    return folder


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.timeout(240)
def test_it_builds_and_pypi_would_take_it(built: Path) -> None:
    files = [str(path) for path in built.iterdir()]
    assert len(files) == 2
    run(sys.executable, "-m", "twine", "check", "--strict", *files, cwd=built)


def test_what_is_in_it(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    modules = {path.relative_to(REPO).as_posix() for path in (REPO / "umqtt2").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    assert "umqtt2/py.typed" in names
    (archive,) = built.glob("*.tar.gz")
    assert any(name.endswith("/umqtt2/client.py") for name in tarfile.open(archive).getnames())


@pytest.mark.timeout(240)
def test_the_readmes_test_and_types_in_an_empty_environment(built: Path, tmp_path: Path) -> None:
    place = tmp_path / "venv"
    venv.create(place)
    python = str(place / "bin" / "python")
    (wheel,) = built.glob("*.whl")
    # By the project's pip, because to put another one into the environment takes long.
    install = ["-m", "pip", "install", "-q", "--no-index", "--ignore-installed", "--prefix", str(place), str(wheel)]
    run(sys.executable, *install, cwd=tmp_path)
    assert run(python, "-c", "import umqtt2; print(umqtt2.__file__)", cwd=tmp_path).startswith(str(place))
    text = (REPO / "README.md").read_text(encoding="utf-8")
    (example,) = (b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "def test_" in b)
    test = tmp_path / "test_lamp.py"
    test.write_text(example + "\ntest_the_lamp()\n", encoding="utf-8")
    run(python, str(test), cwd=tmp_path)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    run(python, str(program), cwd=tmp_path)
    # mypy of the project, with what is installed in the empty environment.
    options = ["--strict", "--config-file=", "--python-executable", python]
    run(sys.executable, "-m", "mypy", *options, str(program), cwd=tmp_path)
