"""A program and its client with MQTT 5, which do what a fuzzer chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fuzz.app import NAMES, QOS, STORE, TOPICS, App
from tests.fuzz.choices import Choices
from tests.fuzz.line import Line
from tests.unit import wire5
from umqtt2 import errno
from umqtt2.v5 import V5, Options, Topic

WITH_PROPERTIES = (
    Topic("a", expiry=1),
    Topic("b/c", expiry=100, content="text", response="r", correlation=b"\0\1", text=True, user=[("k", "v")] * 20),
    Topic("long" * 33, user=[("k", "v" * 200)]),
)
OPTIONS = (Options(1, identifier=5), Options(2, no_local=True, as_published=True, retained=1), 48, 1 << 16)
EXPIRIES = (None, 0, 10)
WINDOWS = (0, 1, 20)
LARGEST = (None, 0, 60)
ALIASES = (0, 2)
REFUSALS = (0, 0, 1, 0x80, 0x84, 0x86, 0x87, 0x8A, 0x9C, 0x9F, 0xFF)
# The reason codes of the broker's acknowledgements, by their first bytes.
REASONS: tuple[dict[int, int], ...] = (
    {},
    {0x40: 0x10, 0x50: 0x10, 0xB0: 0x11},
    {0x40: 0x97, 0x50: 0x87, 0xB0: 0x80, 0x90: 0x9E},
    {0x62: 0x92, 0x70: 0x92},
)
PROPERTIES: tuple[list[tuple[int, Any]], ...] = (
    [],
    [(38, (b"k", b"v"))] * 3,
    [(31, b"why")],
    [(11, 5), (11, 200), (2, 7), (3, b"json"), (8, b"r"), (9, b"\0")],
    [(38, (b"k", b"v" * 100))] * 3,
    [(35, 1)],  # an alias, which was not offered
)
ACKS = (0x40, 0x50, 0x62, 0x70)
SHORTEST = 100  # bytes of the smallest Maximum Packet Size; there is a filter that is longer


class Line5(Line):
    """A Line whose broker has limits, and ends the connection when they are not kept.

    exceeded  why it did, each time; not where the client could not know the limits, as what it sends with its
              CONNECT
    """

    def __init__(self, now: int = 0) -> None:
        super().__init__(now)
        self.exceeded: list[int] = []

    def disconnect(self, reason: int = 0x8B, properties: bytes | dict[int, Any] = b"") -> None:
        """Close the connection, with a DISCONNECT before."""
        if not self.incoming:
            self.exceeded.append(reason)
        super().disconnect(reason, properties)

    def heal(self) -> None:
        """Lose the present connection, and let all that follow be good ones."""
        self.hold = False
        self.reasons = {}
        self.receive_maximum = 65535
        self.maximum_qos = 2
        self.retain_available = True
        self.maximum_packet_size = self.topic_alias_maximum = 0
        self.server_keep_alive = self.session_expiry = None
        super().heal()

    def write(self, buf: bytes | bytearray | memoryview, offset: int, n: int) -> int | None:
        try:
            return super().write(buf, offset, n)
        except AssertionError as e:
            # To a PUBREC or PUBREL with identifier 0, which no broker may send [2.2.1], the client answers with 0.
            if "identifier that is 0" not in str(e):
                raise
            self.drop()
            return n

    def check(self) -> None:
        """Look at what the client wrote since the last `open`."""
        sent = bytes(self.sent)
        self.sent.clear()
        self.writes.clear()
        first = True
        while sent:
            r = wire5.Reader(sent[1:])
            try:
                r.take(r.remaining_length())
            except AssertionError:
                return  # the connection has ended within a packet
            packet, sent = wire5.parse(sent)
            kind = packet["first"] >> 4
            assert first == (kind == 1), "CONNECT comes first, and once"
            assert kind != 14 or not sent, "nothing follows a DISCONNECT"
            first = False


class App5(App):
    """An App with MQTT 5.

    honest  nothing comes but what the broker sends, so its limits are those that the client was told
    """

    line_class = Line5
    unharmed = (*STORE, errno.ELIMIT)
    topics, names = WITH_PROPERTIES + TOPICS, NAMES + len(WITH_PROPERTIES)
    options = (*OPTIONS[:2], *QOS[:3], *OPTIONS[2:], *QOS[3:])

    def __init__(self, choices: Choices, make: Callable[..., Any], session: Any = None) -> None:
        c = choices
        self.five = V5(c.one(EXPIRIES), c.one(WINDOWS), c.one(LARGEST), c.one(ALIASES), [("k", "v")])
        self.honest = c.flag()
        super().__init__(choices, make, session, packets=self.five)
        self.line.hold = c.flag()
        self.limits_change()

    def recover(self) -> None:
        """Check that everything recovers once the network works."""
        assert isinstance(self.line, Line5)
        exceeded = self.line.exceeded
        assert not (self.honest and exceeded), f"limits of the broker were not kept: {exceeded}"
        self.active = False
        self.client.disconnect()  # for a connection that begins with the limits of now
        super().recover()

    def consistent(self) -> None:
        """Check that the state does not grow, and is what the program was promised."""
        if not self.keeps:
            # Where the broker takes few messages at a time, one whose time is over makes room, without a status.
            self.pending &= {*self.session._in_flight}
        super().consistent()

    def bytes_come(self) -> None:
        if not self.honest:
            super().bytes_come()

    def answer_comes(self) -> None:
        if self.honest:
            return
        first = self.choices.one((*ACKS, 0x90, 0xB0, 0xD0, 0xE0))
        code = self.choices.number()
        pairs = self.choices.one(PROPERTIES)
        pid = self.choices.number(8)
        if not pid and self.pending:
            pid = min(self.pending)
        if first in ACKS:
            self.line.feed(wire5.ack(first, pid, code, pairs))
        elif first in (0x90, 0xB0):
            self.line.feed(wire5.suback(pid, code, pairs, first))
        else:
            self.line.feed(wire5.disconnect(code, pairs) if first == 0xE0 else b"\xd0\0")

    def message_comes(self) -> None:
        if self.honest:
            return
        c = self.choices
        topic, payload = b"t" * (1 + c.number(200)), b"p" * c.number(400)
        pairs = c.one(PROPERTIES)
        self.line.feed(wire5.publish(topic, payload, 1 + c.number(4), c.number(3), pairs, c.one((0, 1, 8))))

    def broker_changes(self) -> None:
        c, line = self.choices, self.line
        silent = line.silent
        super().broker_changes()
        line.return_code = c.one(REFUSALS)
        line.reasons = c.one(REASONS)
        line.hold = c.flag()
        if not line.hold:
            line.release()
        if silent and not line.silent:
            line.drop()  # it has not seen the CONNECT
        if not c.flag():
            line.drop()  # limits are those of a connection
            self.limits_change()

    def limits_change(self) -> None:
        """The next CONNACK has other limits."""
        c, line = self.choices, self.line
        line.receive_maximum = c.one((65535, 1, 3))
        line.maximum_qos = c.one((2, 1, 0))
        line.retain_available = not c.flag()
        line.maximum_packet_size = c.one((0, SHORTEST, 300, 1000))
        line.topic_alias_maximum = c.one((0, 1, 10))
        line.server_keep_alive = c.one((None, 0, 1, 60))
        line.session_expiry = c.one((None, 0, 5))

    def message(self, topic: bytes, payload: bytes, retained: bool, dup: bool) -> None:
        found = self.five.properties()
        assert 35 not in found
        reply = self.five.reply()
        assert reply is None or reply.encoded.startswith(found[8])
        super().message(topic, payload, retained, dup)

    def status(self, pid: int, status: int) -> None:
        assert 0 <= self.five.reason < 256
        self.five.properties()
        super().status(pid, status)
