"""A program and its client, which do what a fuzzer chooses; the invariants are checked after each step."""

from __future__ import annotations

import io
from typing import Any, Callable
from unittest import mock

from tests.fuzz.choices import Choices
from tests.fuzz.line import Line
from tests.unit import wire
from umqtt2 import MQTTException, errno, reconnect, robust
from umqtt2.connection import CLOSED, UP
from umqtt2.session.memory import PID, MemorySession
from umqtt2.session.received_ids import LIMIT as RECEIVED_LIMIT

LIMIT = 6  # messages in a store
MOST = 150  # things that one program does

TOPICS: tuple[Any, ...] = ("a", b"b/c", "long" * 33, "", "a/#", "+", "\0", "x" * 65536, None, 5, b"\xff")
PAYLOADS: tuple[Any, ...] = (b"", "text", b"x" * 120, b"y" * 300, bytearray(b"z"), memoryview(b"m"), None, 7)
QOS: tuple[Any, ...] = (0, 1, 2, 3, -1)
NAMES, FILTERS, GOOD_PAYLOADS, GOOD_QOS = 3, 6, 6, 3  # how many of them, from the first on, are allowed

KEEPALIVES = (0, 1, 10, 65535)
TIMEOUTS = (0.5, 0.01, 2, None)
PACKETS = (1, 5, 50, 127, 128, 200, 1000)
NOWS = (0, (1 << 30) - 500)  # the clock soon wraps
PIDS = (0, 65530)
ANSWERS = (0x20, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0)
SIZES = (b"", b"\0\1\0\1\0\1\0\1", b"\1" * 40, b"\2\0\7" * 9, b"\0" * 30)
TIMES = (1, 100, 1000, 5000, 20000, 1 << 20)
STORE = (errno.EFULL, errno.ESTORE)  # exceptions that leave the connection as it is


class Boom(Exception):
    """Raised by a callback of the program."""


class Stream:
    """A payload that can be read once, or fails."""

    def __init__(self, size: int, fails: bool) -> None:
        self._left = size
        self._fails = fails

    def readinto(self, buf: Any) -> int:
        n = min(len(buf), self._left, 100)
        self._left -= n
        if self._fails and not n:
            raise OSError(5)
        return n


class App:
    """A client on a Line, with everything that its program knows of it.

    unharmed  error numbers of exceptions that leave the connection as it is
    """

    line_class = Line
    unharmed: tuple[int, ...] = STORE
    topics, names = TOPICS, NAMES
    options = QOS

    def __init__(self, choices: Choices, make: Callable[..., Any], session: Any = None, **version: Any) -> None:
        """version: the argument `packets` of the client, or nothing."""
        self.choices = choices
        self.line = self.line_class(choices.one(NOWS))
        self.robust = make is robust.MQTTClient
        more = {"backoff": (0.05, 0.2), "keep_qos0": choices.flag(), "verbose": False} if self.robust else {}
        self.client = make(
            "id", "broker", keepalive=choices.one(KEEPALIVES), socket_timeout=choices.one(TIMEOUTS),
            max_packet=choices.one(PACKETS), transport=self.line, session=session, clock=self.line.clock,
            **more, **version,
        )  # fmt: skip
        self.connection = self.client.connection
        self.session = self.client.session
        self.keeps = isinstance(self.session, MemorySession)
        setattr(self.session, "last" if self.keeps else "_last", choices.one(PIDS))
        self.pending: set[int] = set()  # packet identifiers whose status has not come
        self.thrown: BaseException | None = None  # what came out of a callback
        self.depth = 0  # callbacks that have not returned
        self.again = False  # one of them has connected
        self.active = True  # callbacks do something
        self.fails = False  # a stream was published that may fail when it is read
        if not choices.flag():
            self.client.set_callback(self.message)
        if choices.flag():
            self.client.set_callback_chunks(self.chunk, choices.one(("+", "topic")))
        self.client.set_callback_status(self.status)
        if self.robust:
            self.client.set_callback_connection(self.connected)

    def run(self) -> None:
        """Do all that is chosen; at the end the network works, and the client must recover."""
        chances = lambda n: bytes([self.line.clock.now & 255]) * n  # noqa: E731  # the same in each run
        with mock.patch.object(reconnect, "urandom", chances):
            for _ in range(MOST):
                if not self.choices:
                    break
                getattr(self, self.choices.one(DOES))()
                self.consistent()
            self.recover()
        self.line.check()

    # --- What the program does -----------------------------------------------------------------------

    def call(self, f: Callable[..., Any], *args: Any, allowed: bool = True, closes: bool = False) -> Any:
        """Call a method of the client; `allowed` says whether the arguments are, and `closes` whether those
        that are not may close the connection."""
        before = self.connection.state == UP, self.line.opens
        self.line.steps = 0
        self.thrown = None
        if not self.depth:
            self.again = False
            self.active = f.__name__ not in ("publish", "subscribe", "unsubscribe")
        try:
            result = f(*args)
        except (Boom, ValueError, TypeError, MQTTException, OSError) as e:
            if e is self.thrown or isinstance(e, Boom):
                return None
            if isinstance(e, (ValueError, TypeError)):
                if allowed and self.fails:  # what was sent first is another message, whose stream fails
                    assert str(e).startswith("msg: ")
                    self.closed()
                    return None
                assert not allowed, "arguments that are allowed"
                assert closes or before == (self.connection.state == UP, self.line.opens)
            else:
                self.failed(f.__name__, e)
            return None
        return result

    def failed(self, name: str, e: Exception) -> None:
        """Check that a method may raise this, and that the connection is closed then."""
        if e.args[0] in self.unharmed:
            assert name == "publish" or e.args[0] != errno.EFULL
        elif self.robust:
            assert name in ("check_msg", "wait_msg")
            assert e.args[0] == errno.ECONNOT and not self.client._reconnector.enabled
        else:
            self.closed()

    def closed(self) -> None:
        """Check that the exception has closed the connection."""
        assert self.again or self.connection.state == CLOSED and not self.line.is_open

    def check_msg(self) -> None:
        self.call(self.client.check_msg)

    def wait_msg(self) -> None:
        self.call(self.client.wait_msg)

    def publish(self) -> None:
        n, m, q = (self.choices.number(len(x)) for x in (self.topics, PAYLOADS, QOS))
        allowed = n < self.names and m < GOOD_PAYLOADS and q < GOOD_QOS
        retain, dup = self.choices.flag(), self.choices.flag()
        pid = self.call(self.client.publish, self.topics[n], PAYLOADS[m], retain, QOS[q], dup, allowed=allowed)
        assert allowed or pid is None
        assert QOS[q] or pid is None
        self.accepted(pid)

    def publish_stream(self) -> None:
        size, kind, qos = 200 * self.choices.number(4), self.choices.number(5), self.choices.number(3)
        short = size - 1 if kind in (2, 4) and size else size
        stream = Stream(short, kind == 4) if kind & 1 == 0 else io.BytesIO(b"s" * short)
        allowed = short == size and (not qos or getattr(self.session, "streams", True))
        self.fails = self.fails or qos > 0
        args = "a", stream, False, qos, False, size
        self.accepted(self.call(self.client.publish, *args, allowed=allowed, closes=True))

    def subscribe(self) -> None:
        n, q = self.choices.number(len(TOPICS)), self.choices.number(len(self.options))
        allowed = n < FILTERS and n != NAMES and q < GOOD_QOS
        allowed = allowed and bool(self.connection.cb or self.connection.chunks)
        self.asked(self.call(self.client.subscribe, TOPICS[n], self.options[q], allowed=allowed))

    def unsubscribe(self) -> None:
        n = self.choices.number(len(TOPICS))
        self.asked(self.call(self.client.unsubscribe, TOPICS[n], allowed=n < FILTERS and n != NAMES))

    def asked(self, pid: int | None) -> None:
        if pid in self.pending and self.keeps:
            return  # requests for one filter that overlap share it
        self.accepted(pid)

    def accepted(self, pid: int | None) -> None:
        if pid is not None:
            assert 0 < pid < 65536 and pid not in self.pending
            self.pending.add(pid)

    def ping(self) -> None:
        self.call(self.client.ping)

    def connect(self) -> None:
        clean = self.choices.flag()
        self.again = self.depth > 0
        self.call(self.client.connect, clean)

    def disconnect(self) -> None:
        self.call(self.client.disconnect)
        assert self.robust or self.depth or self.connection.state == CLOSED

    # --- What the broker and the network do ----------------------------------------------------------

    def bytes_come(self) -> None:
        self.line.feed(self.choices.take(self.choices.number(32)))

    def answer_comes(self) -> None:
        first = self.choices.one(ANSWERS)
        pid = self.choices.number(65536) if self.choices.flag() else self.choices.number(8)
        if not pid and self.pending:
            pid = min(self.pending)
        body = b"" if first == 0xD0 else pid.to_bytes(2, "big")
        self.line.feed(wire.packet(first, body + (self.choices.take(1) if first == 0x90 else b"")))

    def message_comes(self) -> None:
        c = self.choices
        topic, payload = b"t" * (1 + c.number(200)), b"p" * c.number(400)
        self.line.feed(wire.publish(topic, payload, c.number(3), 1 + c.number(4), c.flag(), c.flag()))

    def message_is_sent(self) -> None:
        self.line.deliver(b"topic", b"p" * self.choices.number(200), self.choices.number(3))

    def broker_changes(self) -> None:
        c = self.choices
        self.line.silent = c.flag()
        self.line.return_code = (0, 0, 1, 2, 3, 4, 5, 99)[c.number(8)]
        self.line.refused = {b"a"} if c.flag() else set()
        if c.flag():
            self.line.forget()

    def network_changes(self) -> None:
        self.line.read_sizes = iter(self.choices.one(SIZES))
        self.line.write_sizes = iter(self.choices.one(SIZES))

    def network_breaks(self) -> None:
        line = self.line
        kind = self.choices.number(6)
        if kind == 0:
            line.drop()
        elif kind == 1:
            line.fail_open = OSError(111)
        elif kind == 2:
            line.fail_read = OSError(104)
        elif kind == 3:
            line.fail_write = OSError(32)
        elif kind == 4:
            line.unread = self.choices.number()
        else:
            line.unwritten = self.choices.number()

    def time_passes(self) -> None:
        self.line.clock.advance(self.choices.one(TIMES))

    # --- What the client calls -----------------------------------------------------------------------

    def message(self, topic: bytes, payload: bytes, retained: bool, dup: bool) -> None:
        assert topic and type(topic) is bytes and type(payload) is bytes
        assert type(retained) is bool and type(dup) is bool
        assert len(topic) + len(payload) + 2 <= self.connection.max_packet
        self.called()

    def chunk(self, topic: bytes, chunk: Any, offset: int, total: int) -> None:
        assert topic and type(topic) is bytes
        assert 0 <= offset <= offset + len(chunk) <= total
        assert len(chunk) <= max(128, self.connection.max_packet)
        before = bytes(chunk)
        self.called()
        assert bytes(chunk) == before

    def status(self, pid: int, status: int) -> None:
        if status in (errno.SOVERSIZE, errno.SDROPPED):
            assert pid == 0
        elif status != errno.SUNKNOWNPID:
            # Renewals of subscriptions, and messages at QoS 0 that are kept, have identifiers that the
            # program does not know.
            assert pid in self.pending or self.keeps
            self.pending.discard(pid)
        self.called()

    def connected(self, up: bool) -> None:
        assert type(up) is bool
        self.called()

    def called(self) -> None:
        """What the program does in a callback."""
        if self.depth or not self.active:
            return
        self.depth += 1
        try:
            does = self.choices.one(WITHIN)
            if does:
                getattr(self, does)()
            elif self.choices.number(8) == 1:
                self.thrown = Boom()
                raise self.thrown
        finally:
            self.depth -= 1

    # --- Invariants -----------------------------------------------------------------------------------

    def consistent(self) -> None:
        """Check that the state does not grow, and is what the program was promised."""
        session = self.session
        if self.keeps:
            requests = [entry[PID] for entry in session.filters if entry[PID]]
            pids = session.pids() + requests
            assert len(set(pids)) == len(pids)
            assert session.sent_messages <= session.waiting() <= session.limit
            assert len({entry[2] for entry in session.filters}) == len(session.filters)
        else:
            assert set(session._in_flight) == self.pending
        assert len(session.received) <= RECEIVED_LIMIT
        assert len(self.connection._in) == len(self.connection._out) == 128
        assert self.connection.state or not self.line.is_open
        assert self.depth or not (self.connection.busy or self.connection.in_callback)

    def recover(self) -> None:
        """Check that everything recovers once the network works."""
        client = self.client
        self.active = False
        self.line.heal()
        client.socket_timeout = 0.5
        client.keepalive = 0
        if not (self.robust and client._reconnector.enabled):
            client.connect(False)
        self.settle()
        pid = client.publish("end", "", qos=1)
        self.accepted(pid)
        self.settle()
        assert self.connection.state == UP
        assert self.line.published[-1][0] == b"end"
        if self.keeps:
            assert not self.busy()
        client.disconnect()
        assert not self.line.is_open

    def settle(self) -> None:
        for _ in range(400):
            self.line.steps = 0
            try:
                self.client.check_msg()
            except (MQTTException, OSError, ValueError):
                assert self.keeps and self.fails
                if not self.robust:
                    self.client.connect(False)
            self.consistent()
            self.line.clock.advance(100)
            if not self.pending and not self.line.incoming and self.connection.state == UP:
                if not self.keeps or not self.busy():
                    return
        raise AssertionError(f"what was in flight stays there: {self.pending}")

    def busy(self) -> bool:
        """Whether a store that keeps messages has something to do."""
        return self.session.waiting() > 0 or any(entry[PID] for entry in self.session.filters)


DOES = (
    "check_msg", "check_msg", "check_msg", "wait_msg", "publish", "publish", "subscribe",
    "unsubscribe", "ping", "connect", "disconnect", "bytes_come", "answer_comes",
    "answer_comes", "message_comes", "message_is_sent", "broker_changes", "network_changes",
    "network_breaks", "time_passes", "publish_stream",
)  # fmt: skip
WITHIN = (
    None, None, None, "check_msg", "publish", "subscribe", "unsubscribe", "ping", "connect",
    "disconnect", "wait_msg",
)  # fmt: skip
