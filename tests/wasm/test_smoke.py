"""The library on the oldest and the newest MicroPython: WebAssembly builds, so with a fake transport."""

import re
import subprocess
from pathlib import Path

import pytest

from tools.node import node, package
from tools.paths import REPO

HERE = Path(__file__).parent

# What the VM's /lib holds: a folder that is not there is left out.
LIBRARY = ("umqtt2",)


def run_in_vm(name: str, script: Path) -> str:
    """Run a script on a WebAssembly build, with the library installed in it; give what it prints."""
    copies = [f"{REPO / folder}=/lib/{folder}" for folder in LIBRARY if (REPO / folder).exists()]
    command = [str(node()), str(HERE / "run.mjs"), str(package(f"micropython-{name}")), str(script), *copies]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def version(output: str) -> tuple[int, int]:
    """The version in what sys.version printed."""
    match = re.search(r"MicroPython v(\d+)\.(\d+)\.", output)
    assert match, output
    return int(match[1]), int(match[2])


@pytest.mark.timeout(300)  # the first run installs the builds
def test_smoke_on_oldest() -> None:
    assert version(run_in_vm("oldest", HERE / "smoke.py")) == (1, 22)


@pytest.mark.timeout(300)
def test_smoke_on_newest() -> None:
    output = run_in_vm("newest", HERE / "smoke.py")
    assert version(output) >= (1, 27)
    assert "\nreads .mpy files of version 6\n" in output, "docs/installing.md says so"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["oldest", "newest"])
def test_the_fake_broker_speaks_mqtt_5(name: str) -> None:
    assert run_in_vm(name, HERE / "smoke_mqtt5.py") == "done\n"


@pytest.mark.timeout(300)
def test_asyncio_on_newest() -> None:
    assert run_in_vm("newest", HERE / "smoke_aio.py") == "done\n"


def test_uncaught_exception_fails(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise ValueError('on purpose')\n")
    with pytest.raises(AssertionError, match="ValueError: on purpose"):
        run_in_vm("oldest", script)
