"""Payloads larger than the memory: sent from a stream, received in pieces."""

from __future__ import annotations

import io

import pytest
import wire
from hypothesis import given, settings
from hypothesis import strategies as st
from program import App

from umqtt2 import MQTTException, errno, robust
from umqtt2.packets.filter import matches
from umqtt2.session.memory import MemorySession
from umqtt2.session.pids import PidSession
from umqtt2.testing import FakeBroker, FakeTransport

BIG = bytes(i * 7 & 255 for i in range(20_000))


class Unseekable:
    def __init__(self, data):
        self.readinto = io.BytesIO(data).readinto


class Failing(io.BytesIO):
    def readinto(self, buf):
        raise OSError(5)


# --- Sending -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("session", [None, PidSession, MemorySession])
def test_a_stream_is_sent(app, qos, session):
    if session is PidSession and qos == 2:
        pytest.skip("the store does not know QoS 2")
    a = app(session=session and session())
    a.connect()
    stream = io.BytesIO(b"skipped" + BIG + b"not sent")
    stream.seek(7)
    pid = a.client.publish("t", stream, True, qos, length=len(BIG))
    assert max(len(piece) for piece in a.transport.writes) <= 512
    assert a.transport.published == [(b"t", BIG, qos, True)]
    a.drain()
    assert a.statuses == ([(pid, errno.SDELIVERED)] if qos else [])
    assert (pid is None) is (qos == 0)


@pytest.mark.parametrize("length", [0, 1, 511, 512, 513])
def test_lengths(connected, length):
    connected.client.publish("t", io.BytesIO(BIG), length=length)
    assert connected.transport.published == [(b"t", BIG[:length], 0, False)]


@pytest.mark.parametrize("stream", [io.BytesIO(b"short"), Failing(BIG)])
@pytest.mark.parametrize("session", [None, MemorySession])
@pytest.mark.parametrize("make", [None, robust.MQTTClient])
def test_a_stream_that_fails_is_an_error_and_was_not_taken(stream, session, make):
    a = App(FakeBroker(), **({"make": make} if make else {}), session=session and session())
    a.client.connect()
    stream.seek(0)
    with pytest.raises(ValueError):
        a.client.publish("t", stream, qos=1, length=10_000)
    # Half a packet is out, so the connection has to go; and nothing is sent again.
    assert not a.transport.is_open
    a.client.connect()
    a.transport.sent.clear()
    for _ in range(3):
        a.client.check_msg()
    assert a.transport.sent == b""


@pytest.mark.parametrize(
    "args, error",
    [((io.BytesIO(), -1), ValueError), ((io.BytesIO(), 1 << 28), ValueError), ((b"bytes", 5), TypeError)],
)
def test_what_cannot_be_sent(connected, args, error):
    stream, length = args
    with pytest.raises(error):
        connected.client.publish("t", stream, length=length)
    assert connected.transport.sent == b""
    connected.client.publish("t", "still connected")


def test_after_a_reconnect_it_is_sent_again_from_its_beginning():
    a = App(FakeBroker(), robust.MQTTClient)
    a.client.connect()
    a.transport.write_sizes = iter([None] * 10 + [0])
    pid = None

    def cut(*args):
        raise OSError(104)

    a.transport.wait = cut
    pid = a.client.publish("t", io.BytesIO(BIG), qos=1, length=len(BIG))
    assert a.transport.published == []
    for _ in range(30):
        a.clock.advance(100)
        a.client.check_msg()
    assert a.transport.published == [(b"t", BIG, 1, False)]
    assert a.statuses == [(pid, errno.SDELIVERED)]


def test_if_it_can_be_read_again():
    a = App(FakeBroker(), robust.MQTTClient)
    a.client.connect()
    a.transport.write_sizes = iter([None] * 10 + [0])

    def cut(*args):
        raise OSError(104)

    a.transport.wait = cut
    pid = a.client.publish("t", Unseekable(BIG), qos=1, length=len(BIG))
    for _ in range(30):
        a.clock.advance(100)
        a.client.check_msg()
    assert a.statuses == [(pid, errno.STIMEOUT)]
    assert a.transport.published == []
    assert a.client.session.waiting() == 0


def test_a_large_one_has_more_time_for_its_acknowledgement(scripted):
    a = scripted(message_timeout=1)
    pid = a.client.publish("t", io.BytesIO(BIG), qos=1, length=len(BIG))
    a.clock.advance(1000 + len(BIG) // 8 - 1)
    a.client.check_msg()
    assert a.statuses == []
    a.clock.advance(1)
    a.client.check_msg()
    assert a.statuses == [(pid, errno.STIMEOUT)]


# --- Receiving ---------------------------------------------------------------------------------------


class Pieces:
    def __init__(self):
        self.payload = b""
        self.topic = None
        self.total = None
        self.largest = 0

    def __call__(self, topic, piece, offset, total):
        if offset == 0:
            self.payload = b""
        assert offset == len(self.payload)
        self.payload += bytes(piece)
        self.topic, self.total = topic, total
        self.largest = max(self.largest, len(piece))


@pytest.fixture
def a(app):
    a = app(FakeTransport(wire.connack()), max_packet=1000)
    a.pieces = Pieces()
    a.client.set_callback_pieces(a.pieces, "fw/+", "pictures/#")
    a.connect()
    return a


@settings(max_examples=60)
@given(
    st.integers(0, 2), st.integers(900, 3000), st.lists(st.integers(1, 130), max_size=60), st.integers(1, 300)
)
def test_a_payload_comes_in_pieces(qos, size, sizes, levels):
    a = App(FakeTransport(wire.connack()), max_packet=1000)
    pieces = Pieces()
    a.client.set_callback_pieces(pieces, "fw/#")
    a.connect()
    a.transport.read_sizes = iter(sizes)
    topic = b"fw/" + b"x" * levels
    for pid in (5, 6):
        a.transport.feed(wire.publish(topic, BIG[:size], qos, pid))
        a.drain()
        assert pieces.payload == BIG[:size]
        assert (pieces.topic, pieces.total) == (topic, size)
    assert a.messages == []
    assert a.statuses == []
    answers = [wire.ack([0, 0x40, 0x50][qos], pid) for pid in (5, 6)] if qos else []
    assert a.transport.sent == b"".join(answers)


def test_it_is_callback_enough_to_subscribe():
    a = App(FakeBroker(), max_packet=1000)
    a.client.set_callback(None)
    with pytest.raises(ValueError):
        a.client.subscribe("fw/1")
    a.client.set_callback_pieces(Pieces(), "fw/#")
    a.client.connect()
    a.client.subscribe("fw/1", 1)
    assert a.transport.subscriptions == {b"fw/1": 1}


def test_no_piece_is_larger_than_the_buffer(a):
    a.transport.feed(wire.publish(b"fw/1", BIG))
    a.drain()
    assert a.pieces.payload == BIG
    assert a.pieces.largest <= 128


def test_other_topics_are_as_ever(a):
    a.transport.feed(wire.publish(b"fw", b"short") + wire.publish(b"fw/1/2", BIG) + wire.publish(b"x", b"m"))
    a.drain()
    assert [m[0] for m in a.messages] == [b"fw", b"x"]
    assert a.statuses == [(0, errno.SOVERSIZE)]
    assert a.pieces.topic is None


def test_a_short_payload_is_one_piece(a):
    a.transport.feed(wire.publish(b"pictures", b"m", 1, 9))
    a.drain()
    assert (a.pieces.topic, a.pieces.payload, a.messages) == (b"pictures", b"m", [])
    assert a.transport.sent == wire.ack(0x40, 9)


@pytest.mark.parametrize("size", [10, 5000])
def test_what_it_raises_reaches_the_caller_and_the_broker_keeps_the_message(a, size):
    def fail(*args):
        raise KeyError("no room")

    a.client.set_callback_pieces(fail, "fw/#")
    a.transport.feed(wire.connack(1))
    a.connect(False)
    a.transport.feed(wire.publish(b"fw/1", BIG[:size], 1, 9))
    with pytest.raises(KeyError):
        a.drain()
    assert a.transport.sent == b""
    a.client.publish("still", "connected")
    a.transport.feed(wire.publish(b"x", b"m"))
    a.drain()
    assert len(a.messages) == 1


def test_at_qos_2_what_is_repeated_is_handed_over_once(a):
    seen = []
    a.client.set_callback_pieces(lambda *args: seen.append(args[2]), "fw/#")
    a.transport.feed(wire.connack(1))
    a.connect(False)
    a.transport.feed(wire.publish(b"fw/1", BIG[:2000], 2, 9) * 2)
    a.drain()
    assert seen == sorted(set(seen))
    assert a.transport.sent == wire.ack(0x50, 9) * 2


def test_when_the_connection_breaks_in_the_middle_it_begins_again():
    a = App(FakeTransport(wire.connack()), max_packet=1000)
    pieces = Pieces()
    a.client.set_callback_pieces(pieces, "fw/#")
    a.connect()
    packet = wire.publish(b"fw/1", BIG[:5000], 1, 9)
    a.transport.feed(packet[:3000])
    a.transport.ended = True
    with pytest.raises(MQTTException):
        a.drain()
    assert 0 < len(pieces.payload) < 5000
    a.transport.ended = False
    a.transport.feed(wire.connack(1))
    a.connect(False)
    a.transport.feed(packet)
    a.drain()
    assert pieces.payload == BIG[:5000]
    assert a.transport.sent == wire.ack(0x40, 9)


def test_what_comes_after_a_break_in_the_middle_is_not_taken_for_the_rest():
    a = App(FakeTransport(wire.connack()), max_packet=1000)
    a.client.set_callback_pieces(Pieces(), "fw/#")
    a.connect()
    a.transport.feed(wire.publish(b"fw/1", BIG[:5000])[:3000])
    a.transport.ended = True
    with pytest.raises(MQTTException):
        a.drain()
    a.transport.ended = False
    a.transport.feed(wire.connack(1))
    a.connect(False)
    a.transport.feed(wire.publish(b"x", b"m", 1, 9))
    a.drain()
    assert a.messages == [(b"x", b"m", False, False)]


@pytest.mark.parametrize(
    "one, topic, does",
    [
        (b"a", b"a", True),
        (b"a", b"a/b", False),
        (b"a/b", b"a", False),
        (b"+", b"a", True),
        (b"+", b"", True),
        (b"+", b"a/b", False),
        (b"+/+", b"/a", True),
        (b"a/+/c", b"a/b/c", True),
        (b"a/+", b"a", False),
        (b"a/+", b"a/", True),
        (b"#", b"a/b", True),
        (b"a/#", b"a", True),
        (b"a/#", b"a/b/c", True),
        (b"a/#", b"ab", False),
        (b"#", b"$SYS/x", False),
        (b"+/x", b"$SYS/x", False),
        (b"$SYS/#", b"$SYS/x", True),
    ],
)
def test_filters(one, topic, does):
    assert matches(one, topic) is does
