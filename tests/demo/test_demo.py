"""The demo works, reports errors in one line, and leaves no process or file behind."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from rich.console import Console
from rich.live import Live

from tools.demo.run import Demo
from tools.docs.demo import PICTURE, draw
from tools.testkit.process import Process

REPO = Path(__file__).resolve().parents[2]
MARK = "UMQTT2_DEMO_TEST"  # in the environment of the demo and of all that it starts


class Run(Process):
    """A demo in a process group of its own, with a temporary folder of its own."""

    def __init__(self, tmp: Path, broker: str = "") -> None:
        self.tmp = tmp
        self.mark = f"{MARK}={uuid4().hex}"
        name, _, value = self.mark.partition("=")
        environment = {name: value, "TMPDIR": str(tmp), "BROKER": broker}
        super().__init__([sys.executable, "-m", "tools.demo"], REPO, environment, own_session=True)

    @property
    def said(self) -> str:
        """All that it has printed so far."""
        return "".join(f"{line}\n" for line in self.output)

    def end(self) -> int:
        """Wait for its end, and for all that it says, and give its exit status."""
        status = self.wait(120)
        self._reader.join(60)
        return status

    def wait_for_its_code(self) -> None:
        """Wait until it catches SIGHUP: before, the interpreter is starting, which ends in its own way."""
        status = Path(f"/proc/{self.pid}/status")
        while self.runs:
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
        """End it and all that it has started, if a test has failed before its end."""
        if self.runs:
            os.killpg(self.pid, signal.SIGKILL)
            self.wait(120)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Start demos, and end them with the test."""
    started: list[Run] = []

    def start(broker: str = "") -> Run:
        started.append(Run(tmp_path, broker))
        return started[-1]

    yield start
    for run in started:
        run.kill()


def test_it_works(demo: Callable[..., Run]) -> None:
    run = demo()
    status = run.end()
    assert status == 0, run.said
    rows = dict(re.findall(r"^│ (\S.*?)  +(\S.*?) *│$", run.said, re.MULTILINE))
    assert int(rows["readings"].split()[0]) >= 8
    assert rows["connection"].startswith("up again after ")
    assert rows["commands"].startswith("2 of 2")
    assert int(rows["free heap"].split()[0].replace(",", "")) > 0
    assert re.fullmatch(r"umqtt2-demo/\w+/temperature", rows["topic"])
    assert re.search(r"device \| \S+ C, round trip \d+ ms", run.said)
    steps = ["device | command: unit F", "laptop | cuts", "device | no connection", "device | connected"]
    places = [run.said.index(steps[0])]
    for step in [*steps[1:], "command: interval 200"]:
        places.append(run.said.index(step, places[-1]))
    assert "\x1b" not in run.said  # no control codes where there is no terminal
    assert run.processes() == []
    assert list(run.tmp.iterdir()) == []


@pytest.mark.parametrize("columns", [50, 80])
def test_it_fits_on_a_terminal(columns: int, capsys: pytest.CaptureFixture[str]) -> None:
    demo = Demo("broker.example", 8883, b"", Console(width=columns, height=24, force_terminal=True, highlight=False))
    demo.facts.update(topic=demo.topic, device="x" * 100, broker="", commands="", heap="")
    with Live(get_renderable=demo.panel, console=demo.console, auto_refresh=False) as live:
        demo.take("connected to broker.example")
        for i in range(100):
            demo.take(f"{i} C, round trip {'long ' * 20} {i} ms")
            demo.take_reading(f"{i} C", iter(()))
        live.refresh()
    printed = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().out).replace("\r", "\n")
    panel = printed[printed.rindex("umqtt2 ─") :].splitlines()
    assert len(panel) <= 12 and all(len(line) <= columns for line in printed.splitlines())
    assert any(demo.topic in line for line in panel)
    assert any(line.startswith("│ round trip") and "99 ms" in line for line in panel)
    assert re.search(r"^ *\d+\.\d s laptop \| received 99 C", printed, re.MULTILINE)


def test_the_documentations_picture_is_a_screen_of_the_demo(tmp_path: Path) -> None:
    lines = [f"{i}.0 s device | {i} C, round trip 2 ms" for i in range(30)]
    lines[9] = "9.0 s laptop | \x1b[1;31mcuts the device off\x1b[0m"
    lines[11] = "11.0 s device | connected to localhost"
    draw("\n".join([*lines, "╭─ umqtt2 ─╮", "│ topic /  │", "╰──────────╯"]), tmp_path / "demo.svg")
    drawn, stored = (words(path) for path in (tmp_path / "demo.svg", PICTURE))
    shown = [line.split()[0] for line in drawn if " | " in line]
    assert shown == [f"{i}.0" for i in range(5, 17)]
    assert "umqtt2" in "".join(drawn)
    said = "\n".join(stored)
    parts = "cuts the device off", "device | no conn", "device | connected", "came back"
    steps = [said.index(part) for part in parts]
    assert steps == sorted(steps)
    for page in ("README.md", "docs/index.md"):
        assert "demo.svg" in (REPO / page).read_text(encoding="utf-8")


def words(path: Path) -> list[str]:
    """The lines of a picture; it loads nothing from another place."""
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert "http" not in text and "url(" not in text.replace("url(#", "")
    lines: dict[str, str] = {}
    for element in ElementTree.fromstring(text).iter("text"):
        where = element.get("y", "")
        lines[where] = lines.get(where, "") + (element.text or "").replace("\xa0", " ")
    return list(lines.values())


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes by /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
@pytest.mark.parametrize("moment", ["at once", "starting", "running"])
def test_a_signal_leaves_nothing_behind(
    demo: Callable[..., Run], moment: str, number: signal.Signals
) -> None:
    run = demo()
    if moment == "running":
        assert run.prints("round trip"), run.said
        assert len(run.processes()) == 3  # the demo, the broker and the device
    else:
        run.wait_for_its_code()
        if moment == "starting":
            time.sleep(0.3)
    os.killpg(run.pid, number)
    assert run.end() == 130
    assert run.said.endswith("demo: interrupted\n")
    assert "Traceback" not in run.said
    assert run.processes() == []
    assert list(run.tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("broker", "line"),
    [
        ("localhost:1", "demo: the laptop has no broker: localhost:1: Connection refused"),
        ("mqtt://localhost:1", "demo: the laptop has no broker: localhost:1: Connection refused"),
        ("no-such.invalid", "demo: the laptop has no broker: name not found: no-such.invalid"),
        ("localhost:http", "demo: BROKER=localhost:http is not an address; write host:port, like "),
    ],
)
def test_what_cannot_be_is_told_in_one_line(demo: Callable[..., Run], broker: str, line: str) -> None:
    run = demo(broker)
    assert run.end() == 1
    assert run.said.startswith(line)
    assert run.said.count("\n") == 1
