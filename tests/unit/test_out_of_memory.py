"""Memory that runs out anywhere: afterwards everything works, and nothing is lost but what was told.

MemoryError is raised at every line of the client that may allocate, the first two times that it is reached.
"""

from __future__ import annotations

import linecache
import re
import sys
from pathlib import Path

import pytest

import umqtt2
from umqtt2 import MQTTClient
from umqtt2.errno import MQTTException
from umqtt2.robust import MQTTClient as RobustClient
from umqtt2.session.memory import MemorySession
from umqtt2.testing import FakeBroker

PACKAGE = Path(umqtt2.__file__).parent
FILES = {
    str(PACKAGE / name)
    for name in (
        "client.py",
        "connection.py",
        "robust.py",
        "reconnect.py",
        "packets/decoder.py",
        "packets/fields.py",
        "packets/v311.py",
        "session/memory.py",
        "session/received_ids.py",
    )
}
# What needs no memory: it says so, or it is a jump or the store of a constant.
NO_MEMORY = {"close", "on_close", "enter", "reraise", "mark", "mark_received", "call", "tell_status", "_pop"}
NO_MEMORY |= {"_answered"}
QUIET = re.compile(
    r"\s*(finally|except|try|raise|else|pass|break|continue|\"|return( \w+)?$|"
    r"[\w.]+ = (False|None|True|0)$|if STORES|.*(mark_received|_pop|tell_status)\()"
)
COUNTS = {}  # (file, line): whether it may allocate


class Injector:
    """Raises MemoryError once, at one line of the package, when it is reached for the n-th time.

    reached  how often each line was, of those that count: (file, line) to a number
    """

    def __init__(self, at=None, n=1):
        self.at = at
        self.n = n
        self.reached = {}
        self.raised = False

    def __enter__(self):
        self._before = sys.gettrace()  # that of a coverage measurement
        sys.settrace(self._call)
        return self

    def __exit__(self, *exc):
        sys.settrace(self._before)

    def _call(self, frame, event, arg):
        code = frame.f_code
        if code.co_filename not in FILES or code.co_name in NO_MEMORY:
            return None
        callers = (frame.f_back, frame.f_back and frame.f_back.f_back)
        if any(caller and "testing" in caller.f_code.co_filename for caller in callers):
            return None  # the broker's memory is its own
        return self._line

    def _line(self, frame, event, arg):
        if event != "line":
            return self._line
        place = (frame.f_code.co_filename, frame.f_lineno)
        if place not in COUNTS:
            COUNTS[place] = not QUIET.match(linecache.getline(*place))
        if COUNTS[place]:
            self.reached[place] = self.reached.get(place, 0) + 1
            if place == self.at and self.reached[place] == self.n:
                self.raised = True
                raise MemoryError("injected")
        return self._line


class Program:
    """What a careful program does: it tries again what has raised."""

    def __init__(self, make):
        self.broker = FakeBroker()
        self.client = make(self.broker)
        self.got = []
        self.statuses = {}
        self.told = 0  # MemoryErrors that reached the program
        self.client.set_callback(lambda topic, msg, retained, dup: self.got.append(msg))
        self.client.set_callback_status(self._status)

    def _status(self, pid, status):
        self.statuses.setdefault(pid, []).append(status)

    def until(self, call, *arguments):
        """Call something until it does not raise; return what it returned."""
        for _ in range(9):
            try:
                return call(*arguments)
            except MemoryError:
                self.told += 1
            except MQTTException:
                pass
            except OSError:
                pass
            self.reconnect()
        raise AssertionError(f"{call} raises for ever")

    def reconnect(self):
        for _ in range(9):
            try:
                if not self.client.connection.state:
                    self.client.connect(False)
                return
            except (MemoryError, MQTTException):
                self.told += 1
        raise AssertionError("connect() raises for ever")

    def pump(self, looks=60):
        for _ in range(looks):
            self.until(self.client.check_msg)
            self.broker.clock.advance(500)

    def run(self):
        broker = self.broker
        self.until(self.client.connect, False)
        wish = self.until(self.client.subscribe, "cmd/#", 2)
        self.pump(6)
        pids = [self.until(self.client.publish, "state", f"{qos}", False, qos) for qos in (0, 1, 2)]
        for qos in (0, 1, 2):
            broker.deliver("cmd/x", f"{qos}", qos=qos)
        broker.deliver("cmd/large", "large" * 50, qos=1)
        self.pump(6)
        broker.drop()
        broker.forget()
        self.pump()
        for qos in (1, 2):
            broker.deliver("cmd/x", f"again {qos}", qos=qos)
        self.pump()
        last = self.until(self.client.publish, "state", "last", False, 1)
        self.pump()
        try:
            self.client.disconnect()
        except MemoryError:
            self.client.disconnect()
        return wish, [*pids[1:], last]


def plain(broker):
    return MQTTClient("id", "b", keepalive=60, transport=broker, clock=broker.clock, session=MemorySession())


def robust(broker):
    return RobustClient("id", "b", transport=broker, clock=broker.clock, verbose=False)


def check(program, wish, pids):
    broker = program.broker
    payloads = [payload for _, payload, _, _ in broker.published]
    for payload in (b"1", b"2", b"last"):
        assert payload in payloads
    # Twice only where the program was told, and published it again.
    if not program.told:
        assert payloads.count(b"2") == 1
    for message in (b"2", b"again 2"):
        assert program.got.count(message) <= 1
    oversized = program.statuses.get(0, [])  # no memory for a message, which is told
    missing = [message for message in (b"1", b"2", b"again 1", b"again 2", b"large" * 50) if message not in program.got]
    assert len(missing) <= len(oversized)
    assert broker.subscriptions == {b"cmd/#": 2}
    assert program.client.session.subscriptions == {b"cmd/#": 2}
    assert program.client.session.waiting() == 0
    for pid in pids:
        assert program.statuses[pid] == [1]
    assert not broker.is_open
    # And all of it once more, with memory.
    program.client.connect(False)
    program.client.publish("state", "afterwards", qos=2)
    program.pump(10)
    assert broker.published[-1][1] == b"afterwards"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("make", [plain, robust])
def test_memory_may_run_out_at_any_line(make):
    with Injector() as injector:
        wish, pids = Program(make).run()
    places = sorted(injector.reached)
    assert len(places) > 200
    failures = []
    raised = 0
    for at in places:
        for n in (1, 2):
            if injector.reached[at] < n:
                continue
            program = Program(make)
            try:
                with Injector(at, n) as one:
                    wish, pids = program.run()
                raised += one.raised
                check(program, wish, pids)
            except Exception as e:
                line = linecache.getline(*at).strip()
                failures.append(f"{Path(at[0]).name}:{at[1]} ({n}) {line}: {type(e).__name__} {str(e)[:60]!r}")
    assert raised > 300
    assert not failures, f"{len(failures)} of {raised}:\n" + "\n".join(failures)
