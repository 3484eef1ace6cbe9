"""The demo works, reports errors in one line, and leaves no process or file behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console
from rich.live import Live

from tools.demo.screen import OTHER_LINES, Screen

REPO = Path(__file__).resolve().parents[2]
MARK = "UMQTT2_DEMO_TEST"  # in the environment of the demo and of all that it starts


class Run:
    """A demo in a process group of its own, with a temporary folder of its own."""

    def __init__(self, tmp: Path, *arguments: str) -> None:
        self.tmp = tmp
        self.mark = f"{MARK}={uuid4().hex}"
        name, _, value = self.mark.partition("=")
        env = {**os.environ, name: value, "TMPDIR": str(tmp), "BROKER": "", "CAFILE": ""}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.demo", *arguments],
            cwd=REPO,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = ""

    def end(self) -> int:
        """Wait for its end, keep the rest of what it says, and give its exit status."""
        self.output += self.process.communicate(timeout=120)[0]
        return self.process.returncode

    def read_until(self, words: str) -> None:
        """Read lines until one has these words."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if words in line:
                return
        raise AssertionError(f"{words!r} is missing in: {self.output}")

    def wait_for_its_code(self) -> None:
        """Wait until it catches SIGHUP: before, the interpreter is starting, which ends in its own way."""
        status = Path(f"/proc/{self.process.pid}/status")
        while self.process.poll() is None:
            caught = re.search(r"SigCgt:\s*([0-9a-f]+)", status.read_text())
            if caught and int(caught[1], 16) >> (signal.SIGHUP - 1) & 1:
                return
            time.sleep(0.001)

    def processes(self) -> list[str]:
        """The processes that it has started and itself, as far as they still run."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
            except OSError:  # another user's, or just gone
                continue
        return found

    def kill(self) -> None:
        """End it, if a test has failed before its end."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Start demos, and end them with the test."""
    started: list[Run] = []

    def start(*arguments: str) -> Run:
        started.append(Run(tmp_path, *arguments))
        return started[-1]

    yield start
    for run in started:
        run.kill()


def test_it_works(demo: Callable[..., Run]) -> None:
    run = demo("--seconds", "15")
    status = run.end()
    assert status == 0, run.output
    rows = dict(re.findall(r"^(\S.*?)  +(\S.*)$", run.output, re.MULTILINE))
    sent, acknowledged, received = map(int, re.findall(r"\d+", rows["readings"]))
    assert sent >= 8 and acknowledged <= received <= sent
    assert rows["commands"].startswith("2 of 2")
    assert int(rows["free heap"].split()[0].replace(",", "")) > 0
    assert re.search(r"^topic: umqtt2-demo/\w+/temperature$", run.output, re.MULTILINE)
    assert re.search(r"device \| \S+ C, round trip \d+ ms", run.output)
    steps = ["device | command: unit F", "laptop | cuts", "device | no connection", "device | connected"]
    places = [run.output.index(steps[0])]
    for step in [*steps[1:], "command: interval 200"]:
        places.append(run.output.index(step, places[-1]))
    assert "\x1b" not in run.output  # no control codes where there is no terminal
    assert run.processes() == []
    assert list(run.tmp.iterdir()) == []


@pytest.mark.parametrize("columns", [50, 80])
def test_it_fits_on_a_terminal(columns: int, capsys: pytest.CaptureFixture[str]) -> None:
    demo = Screen({"topic": "umqtt2-demo/12345678/temperature", "connection": "up", "device": "x" * 100})
    demo.console = Console(width=columns, height=24, force_terminal=True, highlight=False)
    demo.lines = deque(maxlen=24 - OTHER_LINES)
    demo.live = Live(get_renderable=demo._picture, console=demo.console, auto_refresh=False)
    with demo:
        for i in range(100):
            demo.say("device", f"{i} " + "long " * 20)
        demo.live.refresh()
    demo.summary({"readings": "42 sent, 42 acked, 42 received"}, "The end.")
    printed = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().out)
    frame = printed[printed.rindex("umqtt2") :].splitlines()
    assert len(frame) <= 24 - 5 and all(len(line) <= columns for line in frame)
    assert any("umqtt2-demo/12345678/temperature" in line for line in frame)
    assert any(line.lstrip().startswith(("0.", "1.")) and "99 long" in line for line in frame)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes by /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
@pytest.mark.parametrize("moment", ["at once", "starting", "running"])
def test_a_signal_leaves_nothing_behind(
    demo: Callable[..., Run], moment: str, number: signal.Signals
) -> None:
    run = demo("--seconds", "30")
    if moment == "running":
        run.read_until("round trip")
        assert len(run.processes()) == 3  # the demo, the broker and the device
    else:
        run.wait_for_its_code()
        if moment == "starting":
            time.sleep(0.3)
    os.killpg(run.process.pid, number)
    assert run.end() == 130
    assert run.output.endswith("demo: interrupted\n")
    assert "Traceback" not in run.output
    assert run.processes() == []
    assert list(run.tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--broker", "localhost:1"], "demo: no broker lets the laptop in at localhost:1: Connection refused"),
        (["--broker", "no-such.invalid"], "demo: no broker lets the laptop in at no-such.invalid:1883: "),
        (["--broker", "localhost:http"], "demo: BROKER=localhost:http is not an address; write host:port, like "),
        (["--broker", "mqtt://localhost"], "demo: BROKER=mqtt://localhost is not an address; write host:port, "),
        (["--broker", "localhost:1", "--cafile", os.devnull], "demo: CAFILE=/dev/null is not one certificate"),
        (["--cafile", "ca.pem"], "demo: CAFILE is for a broker of your own; give its address too, "),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    demo: Callable[..., Run], arguments: list[str], line: str
) -> None:
    run = demo(*arguments)
    assert run.end() == 1
    assert run.output.startswith(line)
    assert run.output.count("\n") == 1
