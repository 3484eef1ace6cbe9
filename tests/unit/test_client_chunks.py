"""Payloads larger than the memory: sent from a stream, received in chunks."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit import wire
from tests.unit.program import App
from umqtt2 import MQTTException, errno, robust
from umqtt2.packets.filter import matches
from umqtt2.session.memory import MemorySession
from umqtt2.session.packet_ids import PacketIdSession
from umqtt2.session.qos2 import QoS2Session
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
@pytest.mark.parametrize("session", [None, PacketIdSession, MemorySession])
def test_a_stream_is_sent(app, qos, session):
    if session is PacketIdSession and qos == 2:
        pytest.skip("the store does not know QoS 2")
    a = app(session=session and session())
    a.connect()
    stream = io.BytesIO(b"skipped" + BIG + b"not sent")
    stream.seek(7)
    pid = a.client.publish("t", stream, True, qos, length=len(BIG))
    assert max(map(len, a.transport.writes)) <= 512
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
    a.transport.write_sizes = iter([None] * 10 + [0, 0])
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
    a.transport.write_sizes = iter([None] * 10 + [0, 0])

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
    a.clock.advance(1000 + len(BIG) // 8 - 64)
    a.client.check_msg()
    assert a.statuses == []
    a.clock.advance(200)
    a.client.check_msg()
    assert a.statuses == [(pid, errno.STIMEOUT)]


# --- Receiving ---------------------------------------------------------------------------------------


class Chunks:
    def __init__(self):
        self.payload = b""
        self.topic = None
        self.total = None
        self.largest = 0

    def __call__(self, topic, chunk, offset, total):
        if offset == 0:
            self.payload = b""
        assert offset == len(self.payload)
        self.payload += bytes(chunk)
        self.topic, self.total = topic, total
        self.largest = max(self.largest, len(chunk))


@pytest.fixture
def a(app):
    a = app(FakeTransport(wire.connack()), max_packet=1000)
    a.chunks = Chunks()
    a.client.set_callback_chunks(a.chunks, "fw/+", "pictures/#")
    a.connect()
    return a


@settings(max_examples=60)
@given(
    st.integers(0, 2), st.integers(900, 3000), st.lists(st.integers(1, 130), max_size=60), st.integers(1, 300)
)
def test_a_payload_comes_in_chunks(qos, size, sizes, levels):
    a = App(FakeTransport(wire.connack()), max_packet=1000)
    chunks = Chunks()
    a.client.set_callback_chunks(chunks, "fw/#")
    a.connect()
    a.transport.read_sizes = iter(sizes)
    topic = b"fw/" + b"x" * levels
    for pid in (5, 6):
        a.transport.feed(wire.publish(topic, BIG[:size], qos, pid))
        a.drain()
        assert chunks.payload == BIG[:size]
        assert (chunks.topic, chunks.total) == (topic, size)
    assert a.messages == []
    assert a.statuses == []
    answers = [wire.ack([0, 0x40, 0x50][qos], pid) for pid in (5, 6)] if qos else []
    assert a.transport.sent == b"".join(answers)


def test_it_is_callback_enough_to_subscribe():
    a = App(FakeBroker(), max_packet=1000)
    a.client.set_callback(None)
    with pytest.raises(ValueError):
        a.client.subscribe("fw/1")
    a.client.set_callback_chunks(Chunks(), "fw/#")
    a.client.connect()
    a.client.subscribe("fw/1", 1)
    assert a.transport.subscriptions == {b"fw/1": 1}


def test_no_chunk_is_larger_than_the_buffer(a):
    a.transport.feed(wire.publish(b"fw/1", BIG))
    a.drain()
    assert a.chunks.payload == BIG
    assert a.chunks.largest <= 128


def test_other_topics_are_as_ever(a):
    a.transport.feed(wire.publish(b"fw", b"short") + wire.publish(b"fw/1/2", BIG) + wire.publish(b"x", b"m"))
    a.drain()
    assert [m[0] for m in a.messages] == [b"fw", b"x"]
    assert a.statuses == [(0, errno.SOVERSIZE)]
    assert a.chunks.topic is None


def test_a_short_payload_is_one_chunk(a):
    a.transport.feed(wire.publish(b"pictures", b"m", 1, 9))
    a.drain()
    assert (a.chunks.topic, a.chunks.payload, a.messages) == (b"pictures", b"m", [])
    assert a.transport.sent == wire.ack(0x40, 9)


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("length", [5, 995, 996, 998])
def test_an_empty_payload_is_one_empty_chunk_however_long_its_topic_is(a, length, qos):
    topic = b"pictures/".ljust(length, b"x") if length > 9 else b"fw/12"
    a.transport.feed(wire.publish(topic, b"", qos, 9))
    a.drain()
    assert (a.chunks.topic, a.chunks.payload, a.chunks.total) == (topic, b"", 0)
    assert a.transport.sent == (wire.ack([0, 0x40, 0x50][qos], 9) if qos else b"")


@pytest.mark.parametrize("size", [10, 5000])
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("error", [KeyError, MemoryError, OSError, KeyboardInterrupt, StopIteration])
def test_what_it_raises_reaches_the_caller_and_the_rest_is_not_given(a, size, qos, error):
    seen = []

    def fail(*args):
        seen.append(args[2])
        raise error("no room")

    a.client.set_callback_chunks(fail, "fw/#")
    a.connect_again()
    a.transport.feed(wire.publish(b"fw/1", BIG[:size], qos, 9))
    with pytest.raises(error, match="no room"):
        a.drain()
    a.drain()
    assert seen == [0]
    # The message counts as given.
    assert a.transport.sent == (wire.ack([0, 0x40, 0x50][qos], 9) if qos else b"")
    a.client.publish("still", "connected")
    a.transport.feed(wire.publish(b"x", b"m"))
    a.drain()
    assert len(a.messages) == 1


@pytest.mark.parametrize("make", [None, robust.MQTTClient])
def test_what_it_raises_is_not_lost_when_the_connection_breaks(make):
    a = App(FakeBroker(), **({"make": make} if make else {}), max_packet=256)
    calls = []

    def fail(*args):
        calls.append(args)
        raise KeyboardInterrupt

    a.client.set_callback_chunks(fail, "u")
    a.client.connect(False)
    a.client.subscribe("u", 1)
    a.drain()
    a.transport.deliver("u", bytes(100_000), qos=1)
    with pytest.raises(KeyboardInterrupt):
        a.client.check_msg()
    a.transport.incoming.clear()
    a.transport.drop()
    assert len(calls) == 1


def test_at_qos_2_what_is_repeated_is_handed_over_once(a):
    seen = []
    a.client.set_callback_chunks(lambda *args: seen.append(args[2]), "fw/#")
    a.connect_again()
    a.transport.feed(wire.publish(b"fw/1", BIG[:2000], 2, 9) * 2)
    a.drain()
    assert seen == sorted(set(seen))
    assert a.transport.sent == wire.ack(0x50, 9) * 2


def test_when_the_connection_breaks_in_the_middle_it_begins_again():
    a = App(FakeTransport(wire.connack()), max_packet=1000)
    chunks = Chunks()
    a.client.set_callback_chunks(chunks, "fw/#")
    a.connect()
    packet = wire.publish(b"fw/1", BIG[:5000], 1, 9)
    a.transport.feed(packet[:3000])
    a.transport.ended = True
    with pytest.raises(MQTTException):
        a.drain()
    assert 0 < len(chunks.payload) < 5000
    a.transport.ended = False
    a.connect_again()
    a.transport.feed(packet)
    a.drain()
    assert chunks.payload == BIG[:5000]
    assert a.transport.sent == wire.ack(0x40, 9)


def test_what_comes_after_a_break_in_the_middle_is_not_taken_for_the_rest():
    a = App(FakeTransport(wire.connack()), max_packet=1000)
    a.client.set_callback_chunks(Chunks(), "fw/#")
    a.connect()
    a.transport.feed(wire.publish(b"fw/1", BIG[:5000])[:3000])
    a.transport.ended = True
    with pytest.raises(MQTTException):
        a.drain()
    a.transport.ended = False
    a.connect_again()
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
    # A program writes its filters as str; a message's topic is bytes.
    assert matches(one.decode(), topic) is does
    assert matches(one, topic.decode()) is does
    assert matches(one.decode(), topic.decode()) is does


# --- Callbacks that call methods -----------------------------------------------------------------------

METHODS = [
    lambda c: c.publish("out", "ABCD" * 10),
    lambda c: c.publish("out", "ABCD" * 100, qos=1),
    lambda c: c.publish("out", io.BytesIO(BIG), qos=1, length=1000),
    lambda c: c.subscribe("more", 1),
    lambda c: c.unsubscribe("more"),
    lambda c: c.ping(),
    lambda c: c.check_msg(),
    lambda c: c.wait_msg(),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [2000, 40_000])
@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("each", [False, True])
def test_any_method_may_be_called_from_it(method, size, qos, each):
    a = App(FakeBroker(), max_packet=1024)
    chunks = Chunks()

    def callback(topic, chunk, offset, total):
        if each or not offset:
            method(a.client)
            a.client.session._in_flight.clear()  # there would be more in flight than is allowed
        chunks(topic, chunk, offset, total)

    a.client.set_callback_chunks(callback, "update")
    a.client.set_callback_status(None)
    a.client.connect()
    a.transport.deliver("update", b"ABCD" * (size // 4), qos)
    a.drain()
    assert chunks.payload == b"ABCD" * (size // 4)
    assert a.transport.acknowledged == [1]
    assert a.transport.is_open


@pytest.mark.parametrize("when", [0, 128, 640, "last"])
@pytest.mark.parametrize("how", ["connect", "disconnect", "both"])
@pytest.mark.parametrize("size", [200, 2000])
@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("sizes", [None, 7])
def test_it_may_leave_and_connect_anew(when, how, size, qos, sizes):
    a = App(FakeBroker(), max_packet=150)
    a.transport.read_sizes = sizes
    payloads = []
    left = []

    def callback(topic, chunk, offset, total):
        if not offset:
            payloads.append(b"")
        assert offset == len(payloads[-1])
        payloads[-1] += bytes(chunk)
        last = offset + len(chunk) == total
        if not left and (last if when == "last" else offset + len(chunk) > when):
            left.append(offset)
            if how != "connect":
                a.client.disconnect()
            if how != "disconnect":
                a.client.connect(False)

    a.client.set_callback_chunks(callback, "update")
    a.client.connect(False)
    a.transport.deliver("update", BIG[:size], qos)
    for _ in range(100):
        try:
            a.client.check_msg()
        except MQTTException as e:
            assert e.args == (errno.ECONNOT,) and how == "disconnect"
            a.client.connect(False)
    assert left or when in (640, size)
    assert payloads[-1] == BIG[:size]
    # What the callback had to the end is not given again at QoS 2.
    assert len(payloads) == (2 if left and (qos == 1 or len(payloads[0]) < size) else 1)
    assert a.transport.acknowledged == [1]


# --- Streams that fail ---------------------------------------------------------------------------------


class Camera:
    """Raises when a part of the payload is out."""

    def __init__(self, error, after=1):
        self.error = error
        self.left = after

    def readinto(self, buf):
        if not self.left:
            raise self.error
        self.left -= 1
        return len(buf)


ERRORS = [RuntimeError("frame lost"), MemoryError(), EOFError(), KeyboardInterrupt(), OSError(5), ZeroDivisionError()]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("session", [None, MemorySession])
@pytest.mark.parametrize("make", [None, robust.MQTTClient])
def test_a_stream_that_raises_anything_closes_the_connection(error, after, qos, session, make):
    a = App(FakeBroker(), **({"make": make} if make else {}), session=session and session())
    a.client.connect()
    expected = ValueError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        a.client.publish("picture", Camera(error, after), qos=qos, length=600)
    assert not a.transport.is_open
    a.client.connect()
    a.client.publish("door", "open")
    for _ in range(5):
        a.client.check_msg()
    assert a.transport.published == [(b"door", b"open", 0, False)]
    assert a.statuses == []


class Pipe(io.BytesIO):
    """Has `seek` and `tell`, as a pipe has, and neither works."""

    def __init__(self, data, error):
        super().__init__(data)
        self.error = error

    def tell(self):
        raise self.error

    def seek(self, *args):
        raise self.error


class HalfPipe(Pipe):
    """Tells where it stands, and cannot go back."""

    def tell(self):
        return 0


@pytest.mark.parametrize("kind", [Pipe, HalfPipe])
@pytest.mark.parametrize("error", [OSError(29), io.UnsupportedOperation("seek")])
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("session", [None, MemorySession])
def test_a_pipe_is_sent_like_a_file(app, kind, error, qos, session):
    a = app(session=session and session())
    a.connect()
    a.client.publish("t", kind(BIG, error), qos=qos, length=len(BIG))
    a.drain()
    assert a.transport.published == [(b"t", BIG, qos, False)]


@pytest.mark.parametrize("kind", [Pipe, HalfPipe])
def test_a_pipe_that_would_have_to_be_sent_again_is_told(app, kind):
    a = app(session=MemorySession())
    a.client.connect(False)
    a.transport.silent = True
    pid = a.client.publish("t", kind(BIG, OSError(29)), qos=1, length=len(BIG))
    a.transport.silent = False
    a.client.connect(False)
    a.drain()
    a.drain()
    assert a.statuses == [(pid, errno.STIMEOUT)]
    assert a.transport.published == []
    assert a.client.session.waiting() == 0


class Torn(io.BytesIO):
    """Cannot be read, or not be sent again, from the second time on."""

    def __init__(self, data, where, error):
        super().__init__(data)
        self.where = where
        self.error = error
        self.reads = 0

    def readinto(self, buf):
        self.reads += 1
        if self.where == "readinto" and self.reads > 2:
            raise self.error
        if self.where == "end" and self.reads > 2:
            return 0
        return super().readinto(buf)

    def seek(self, *args):
        if self.where == "seek":
            raise self.error
        return super().seek(*args)


def app_with_a_stream_to_send_again(make, where, error=None):
    """A client whose next connection sends a stream again, which fails then; and the identifier of its message."""
    a = App(FakeBroker(), **({"make": make} if make else {}), session=MemorySession())
    a.client.connect(False)
    a.transport.silent = True
    a.stream = Torn(BIG[:1000], where, error or OSError(5))
    pid = a.client.publish("picture", a.stream, qos=1, length=1000)
    a.transport.silent = False
    return a, pid


def look_until(a, done, raised=()):
    """Look, and connect a client anew that does not do so itself; return what `check_msg` raised of that kind."""
    seen = []
    for _ in range(100):
        if done():
            break
        a.clock.advance(100)
        try:
            a.client.check_msg()
        except raised as e:
            seen.append(e)
        except (OSError, MQTTException):
            a.client.connect(False)
    assert done()
    return seen


CALLS = {
    "check_msg": lambda c: None,
    "publish": lambda c: c.publish("t", "m", qos=1),
    "publish at QoS 0": lambda c: c.publish("t", "m"),
    "subscribe": lambda c: c.subscribe("s"),
    "unsubscribe": lambda c: c.unsubscribe("s"),
    "ping": lambda c: c.ping(),
    "publish another stream": lambda c: c.publish("t", io.BytesIO(BIG), qos=1, length=len(BIG)),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("where", ["readinto", "end", "seek"])
@pytest.mark.parametrize("make", [None, robust.MQTTClient])
def test_a_stream_that_fails_when_it_is_sent_again_is_told_and_disturbs_no_other_call(make, where, call):
    a, pid = app_with_a_stream_to_send_again(make, where)
    a.client.connect(False)
    other = CALLS[call](a.client)
    expected = [(pid, errno.STIMEOUT)] + ([(other, errno.SDELIVERED)] if other else [])
    look_until(a, lambda: len(a.statuses) >= len(expected))
    assert sorted(a.statuses) == sorted(expected)
    assert a.client.session.waiting() == 0
    assert [topic for topic, *_ in a.transport.published if topic == b"picture"] == []
    if "publish" in call:
        assert [topic for topic, *_ in a.transport.published] == [b"t"]


@pytest.mark.parametrize("make", [None, robust.MQTTClient])
def test_a_stream_that_fails_in_the_middle_of_another_call_is_a_fault_of_the_network(make):
    a, pid = app_with_a_stream_to_send_again(make, "readinto")
    a.client.connect(False)
    a.stream.reads = 1
    # Half of its first piece: the next method has to send the rest before anything else.
    a.transport.write_sizes = iter([None, 100, 0])
    a.client.check_msg()
    assert a.client.connection.pending
    try:
        a.client.subscribe("s")
    except OSError:
        assert not make
    assert not a.transport.is_open
    look_until(a, lambda: b"s" in a.transport.subscriptions and a.statuses)
    assert a.statuses[0] == (pid, errno.STIMEOUT)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("where", ["readinto", "seek"])
@pytest.mark.parametrize("make", [None, robust.MQTTClient])
def test_what_else_it_raises_comes_from_check_msg(make, where, call):
    error = KeyError("of the program")
    a, pid = app_with_a_stream_to_send_again(make, where, error)
    a.client.connect(False)
    other = CALLS[call](a.client)
    expected = [(pid, errno.STIMEOUT)] + ([(other, errno.SDELIVERED)] if other else [])
    assert look_until(a, lambda: len(a.statuses) >= len(expected), KeyError) == [error]
    assert sorted(a.statuses) == sorted(expected)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("make", [None, robust.MQTTClient])
def test_a_status_callback_that_raises_about_it_is_heard_by_check_msg(make, call):
    a, pid = app_with_a_stream_to_send_again(make, "seek")
    error = KeyError("of the program")

    def on_status(*args):
        a.statuses.append(args)
        if args[1] == errno.STIMEOUT:
            raise error

    a.client.set_callback_status(on_status)
    a.client.connect(False)
    other = CALLS[call](a.client)
    assert a.statuses == []
    expected = [(pid, errno.STIMEOUT)] + ([(other, errno.SDELIVERED)] if other else [])
    assert look_until(a, lambda: len(a.statuses) >= len(expected), KeyError) == [error]
    a.drain()
    assert sorted(a.statuses) == sorted(expected)
    assert a.client.connection.state
    # It is not raised in the place of a fault of the network.
    a.transport.fail_read = OSError(104)
    if make:
        a.client.check_msg()
        assert a.client.last_error.args == (104,)
    else:
        with pytest.raises(OSError):
            a.client.check_msg()


def test_without_memory_to_read_it_a_stream_is_sent_again(mocker):
    a = App(FakeBroker(), robust.MQTTClient)
    a.transport.fail_open = OSError(111)
    a.client.connect()
    pid = a.client.publish("t", io.BytesIO(BIG), qos=1, length=len(BIG))
    fails = [MemoryError()]

    def no_memory(size):
        if fails:
            raise fails.pop()
        return bytearray(size)

    mocker.patch("umqtt2.streaming.bytearray", no_memory, create=True)
    assert len(look_until(a, lambda: a.statuses, MemoryError)) == 1
    assert a.statuses == [(pid, errno.SDELIVERED)]
    assert a.transport.published == [(b"t", BIG, 1, False)]


# --- One rule for repetitions --------------------------------------------------------------------------


@pytest.mark.parametrize("session", [QoS2Session, MemorySession])
@pytest.mark.parametrize("size", [10, 1000, 5000])
def test_large_and_small_messages_are_told_apart_by_one_rule(app, session, size):
    a = app(FakeTransport(wire.connack()), session=session(), max_packet=256)
    seen = []
    a.client.set_callback_chunks(lambda topic, chunk, offset, total: seen.append(bytes(chunk[:3])), "u")
    a.connect()
    # Head of the payload, DUP, whether it is a new one.
    messages = [
        (b"old", False, True),
        (b"old", True, False),
        (b"old", False, False),
        (b"new", False, True),
        (b"new", True, False),
        (b"two", True, True),
    ]
    for head, dup, is_new in messages:
        del seen[:]
        a.transport.feed(wire.publish(b"u", head + bytes(size), 2, 9, dup=dup))
        a.drain()
        assert seen[:1] == ([head] if is_new else [])
    assert a.transport.sent == wire.ack(0x50, 9) * 6
