"""The code in the documentation runs: each page's Python blocks in turn, and the tests in them."""

from __future__ import annotations

import ast
import re
import sys
import types
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import umqtt2.start
from tests.docs.loop import Runner
from tests.docs.pages import PAGES, blocks
from umqtt2.testing import FakeBroker, decode_properties
from umqtt2.transport import trace

SLEEPS = 300  # sleeps after which an endless program is ended


class Enough(BaseException):
    """Ends a program that would run for ever."""


class Broker(FakeBroker):
    """The broker of the programs. It delivers the messages that a page's program waits for, and answers each question
    to a clock with its topic."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0
        self.answered = 0

    def write(self, buf: Any, offset: int, n: int) -> int | None:
        taken = super().write(buf, offset, n)
        while self.answered < len(self.published_properties):
            found = decode_properties(self.published_properties[self.answered])
            topic = self.published[self.answered][0]
            self.answered += 1
            if 8 in found and topic.startswith(b"clock/"):
                self.publish(found[8], topic, properties={9: found[9]})
        return taken

    def wait(self, flags: int, timeout_ms: int) -> None:
        self.waited += 1
        if self.waited > SLEEPS:
            raise Enough
        if self.waited == 1 and b"camera/update" in self.subscriptions:
            self.deliver("camera/update", "x" * 3000, qos=1)
        super().wait(flags, max(timeout_ms, 1))


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MicroPython's modules, a board's hardware and network, and files to work with."""
    naps = 0

    def sleep_ms(ms: int) -> None:
        nonlocal naps
        naps += 1
        if naps > SLEEPS:
            raise Enough

    import time

    stand_in = types.ModuleType("time")
    stand_in.__dict__.update(vars(time))
    stand_in.sleep_ms = sleep_ms  # type: ignore[attr-defined]
    stand_in.sleep = lambda seconds: sleep_ms(seconds * 1000)  # type: ignore[attr-defined]
    stand_in.ticks_ms = lambda: int(time.monotonic() * 1000)  # type: ignore[attr-defined]
    stand_in.ticks_add = lambda ticks, ms: ticks + ms  # type: ignore[attr-defined]
    stand_in.ticks_diff = lambda end, start: end - start  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "time", stand_in)
    for name in ("machine", "network", "mip"):
        monkeypatch.setitem(sys.modules, name, mock.MagicMock())
    Runner(monkeypatch, Broker())
    monkeypatch.setattr(umqtt2.start, "new_transport", lambda client: Broker())
    traced = trace.TraceTransport
    monkeypatch.setattr(trace, "TraceTransport", lambda below, log=print: traced(Broker(), log))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "picture.jpg").write_bytes(bytes(3000))


def run(source: str, names: dict[str, object]) -> None:
    """Run a block, and the tests that it defines."""
    name = re.match(r"# (\w+\.py)$", source, re.MULTILINE)
    if name:
        Path(name[1]).write_text(source)
    # A path at the root of a board's file system is one in the current folder here.
    source = re.sub(r'"/(?!mqtt")(\w[\w.]*)"', r'"\1"', source)
    names["__name__"] = "page"
    try:
        exec(compile(source, "block", "exec"), names)
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                names[node.name]()  # type: ignore[operator]
    except Enough:
        pass


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_run(page: Path, board: None) -> None:
    # What MicroPython gives to a manifest.
    names: dict[str, object] = {name: mock.MagicMock() for name in ("include", "require", "add_library")}
    for source in blocks(page):
        run(source, names)


def test_a_block_that_fails_is_noticed(board: None) -> None:
    with pytest.raises(AttributeError):
        run("from umqtt2 import MQTTClient\nMQTTClient('a', 'b').publich()", {})
    with pytest.raises(AssertionError):
        run("def test_it():\n    assert 1 == 2", {})


def test_pages_have_blocks() -> None:
    assert sum(len(blocks(page)) for page in PAGES) > 20
