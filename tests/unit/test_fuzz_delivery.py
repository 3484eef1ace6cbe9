"""Programs that hypothesis makes up, on a network that fails in every way and with a broker that does not."""

from __future__ import annotations

import io
import tempfile
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.fuzz.line import Line
from umqtt2 import MQTTClient, MQTTException, reconnect, robust
from umqtt2.connection import UP
from umqtt2.errno import EFULL, SDELIVERED, SUNKNOWNPID
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession

LIMIT = 4  # messages in the store
SIZES = st.lists(st.integers(0, 9), max_size=30)
SOON = st.integers(0, 60)  # bytes


class Delivery(RuleBasedStateMachine):
    """A program whose messages have numbers, and what it was told of them."""

    streams = True  # whether the store takes payloads that are streams

    def __init__(self) -> None:
        super().__init__()
        self.chances = mock.patch.object(reconnect, "urandom", lambda n: b"\xc0" * n)  # the same in each run
        self.chances.start()
        self.line = Line()
        self.number = 0
        self.accepted: list[int] = []
        self.exactly: set[int] = set()  # those at QoS 2
        self.never: set[int] = set()  # those that were not accepted
        self.pending: dict[int, int] = {}  # from packet identifier to number
        self.given: dict[int, int] = {}  # from the number of a delivery to its QoS
        self.received: list[int] = []
        self.begin()

    def make(self):
        raise NotImplementedError

    def begin(self) -> None:
        self.client = self.make()
        self.client.set_callback(lambda topic, msg, *_: self.received.append(int(msg)))
        self.client.set_callback_chunks(self.chunk, "large/#")
        self.whole = b""
        self.client.set_callback_status(self.status)
        self.connect()

    def options(self, session):
        return {
            "client_id": "id", "server": "broker", "transport": self.line, "clock": self.line.clock,
            "session": session, "socket_timeout": 0.5, "keepalive": 10, "max_packet": 50,
        }  # fmt: skip

    def status(self, pid: int, status: int) -> None:
        if status == SUNKNOWNPID:  # it had been asked for PUBCOMP twice, and gave both after a while
            assert pid not in self.pending
            return
        assert status == SDELIVERED
        assert self.pending.pop(pid) in self.published()

    def chunk(self, topic, chunk, offset: int, total: int) -> None:
        assert offset in (0, len(self.whole))
        self.whole = self.whole[:offset] + chunk
        if len(self.whole) == total:
            self.received.append(int(self.whole))

    def published(self) -> list[int]:
        return [int(msg) for _, msg, qos, _ in self.line.published if qos]

    # --- The program ---------------------------------------------------------------------------------

    def connect(self) -> None:
        self.line.steps = 0
        self.client.connect(False)

    @rule(qos=st.integers(1, 2), spaces=st.integers(0, 150), from_stream=st.booleans())
    def publish(self, qos: int, spaces: int, from_stream: bool) -> None:
        self.number += 1
        self.line.steps = 0
        msg = b"%d" % self.number + b" " * spaces
        try:
            if from_stream and self.streams:
                pid = self.client.publish("topic", io.BytesIO(msg), qos=qos, length=len(msg))
            else:
                pid = self.client.publish("topic", msg, qos=qos)
        except (MQTTException, OSError) as e:
            self.refused(e)
            self.never.add(self.number)
        else:
            assert pid not in self.pending
            self.pending[pid] = self.number
            self.accepted.append(self.number)
            if qos == 2:
                self.exactly.add(self.number)

    def refused(self, error: Exception) -> None:
        assert error.args[0] == EFULL and self.client.session.waiting() == LIMIT

    @rule(times=st.integers(1, 30))
    def check(self, times: int) -> None:
        for _ in range(times):
            self.line.steps = 0
            self.check_once()

    def check_once(self) -> None:
        self.client.check_msg()

    def is_connected(self) -> bool:
        return self.client.is_connected()

    # --- What comes from outside ---------------------------------------------------------------------

    @precondition(lambda self: self.is_connected())
    @rule(qos=st.integers(0, 2), topic=st.sampled_from(["topic", "large"]), spaces=st.integers(0, 300))
    def deliver(self, qos: int, topic: str, spaces: int) -> None:
        self.number += 1
        self.given[self.number] = qos
        self.line.deliver(topic, b"%d" % self.number + b" " * spaces * (topic == "large"), qos)

    @rule(ms=st.sampled_from([1, 50, 600, 4000, 11000]))
    def time_passes(self, ms: int) -> None:
        self.line.clock.advance(ms)

    @rule(n=SOON)
    def break_while_reading(self, n: int) -> None:
        self.line.unread = n

    @rule(n=SOON)
    def break_while_writing(self, n: int) -> None:
        self.line.unwritten = n

    @rule()
    def drop(self) -> None:
        self.line.drop()

    @rule()
    def refuse_once(self) -> None:
        self.line.fail_open = OSError(111)

    @rule(code=st.sampled_from([0, 0, 3, 5]))
    def answer(self, code: int) -> None:
        self.line.return_code = code

    @rule(reads=SIZES, writes=SIZES)
    def fragment(self, reads: list[int], writes: list[int]) -> None:
        self.line.read_sizes = iter(reads)
        self.line.write_sizes = iter(writes)

    @rule()
    def stall(self) -> None:
        self.line.read_sizes = self.line.write_sizes = 0

    # --- What must have come of it -------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            self.recover()
        finally:
            self.chances.stop()

    def recover(self) -> None:
        self.line.heal()
        for _ in range(100):
            self.check(3)
            self.line.clock.advance(300)
            if self.is_connected() and not (self.client.session.waiting() or self.line._in_flight):
                break
        assert not self.pending and not self.line._in_flight
        published = self.published()
        assert list(dict.fromkeys(published)) == self.accepted, "all of it, in order, nothing else"
        assert all(published.count(number) == 1 for number in self.exactly)
        for number, qos in self.given.items():
            times = self.received.count(number)
            assert times <= 1 if qos == 0 else times == 1 if qos == 2 else times >= 1
        self.line.check()


class ByItself(Delivery):
    """The client that reconnects by itself."""

    def make(self):
        options = self.options(MemorySession(LIMIT))
        return robust.MQTTClient(backoff=(0.1, 0.4), **options)


class ByTheProgram(Delivery):
    """The client that the program connects again."""

    def make(self):
        return MQTTClient(**self.options(MemorySession(LIMIT)))

    def connect(self) -> None:
        try:
            super().connect()
        except (MQTTException, OSError):
            assert not self.is_connected()

    def check_once(self) -> None:
        if not self.is_connected():
            self.connect()
        else:
            try:
                self.client.check_msg()
            except (MQTTException, OSError):
                assert not self.is_connected()

    def refused(self, error: Exception) -> None:
        if error.args[0] != EFULL:
            assert not self.is_connected()

    def is_connected(self) -> bool:
        return self.client.connection.state == UP


class WithoutPower(Delivery):
    """The client that reconnects by itself, with a file, on a board that loses its power."""

    streams = False

    def make(self):
        self.folder = getattr(self, "folder", None) or tempfile.TemporaryDirectory(prefix="umqtt2-fuzz-")
        session = FileSession(self.folder.name + "/session", LIMIT)
        assert not session.lost
        return robust.MQTTClient(backoff=(0.1, 0.4), **self.options(session))

    @rule()
    def lose_power(self) -> None:
        self.client.session._journal.close()
        self.line.close()
        self.begin()

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.client.session._journal.close()
            self.folder.cleanup()


few = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestByItself = ByItself.TestCase
TestByTheProgram = ByTheProgram.TestCase
TestWithoutPower = WithoutPower.TestCase
TestByItself.settings = TestByTheProgram.settings = TestWithoutPower.settings = few
