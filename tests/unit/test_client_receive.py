"""check_msg and wait_msg: messages, statuses, callbacks, and brokers that misbehave."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit import wire
from tests.unit.program import App
from umqtt2 import MQTTClient, MQTTException, errno, robust
from umqtt2.session.memory import MemorySession
from umqtt2.session.packet_ids import PacketIdSession
from umqtt2.session.qos2 import QoS2Session
from umqtt2.testing import FakeBroker, FakeClock, FakeTransport


def test_a_message(connected):
    connected.transport.deliver("a/b", "é", retain=True)
    assert connected.client.check_msg() == 0x31
    assert connected.messages == [(b"a/b", "é".encode(), True, False)]
    assert type(connected.messages[0][1]) is bytes
    assert connected.client.check_msg() is None


def test_an_empty_message(connected):
    connected.transport.deliver("a", b"")
    connected.drain()
    assert connected.messages == [(b"a", b"", False, False)]


def test_one_packet_for_each_call(connected):
    for i in range(3):
        connected.transport.deliver("a", str(i))
    assert [connected.client.check_msg() for _ in range(4)] == [0x30, 0x30, 0x30, None]


@pytest.mark.mqtt("MQTT-2.3.1-6", "MQTT-3.3.4-1", "MQTT-4.3.2-2")
def test_qos_1_is_acknowledged_after_the_callback(scripted):
    a = scripted(wire.publish(b"t", b"m", 1, 0x1234, dup=True))
    seen = []
    a.client.set_callback(lambda *args: seen.append((args, bytes(a.transport.sent))))
    a.client.check_msg()
    assert seen == [((b"t", b"m", False, True), b"")]
    assert a.transport.sent == b"\x40\x02\x12\x34"


def drain_raising(a, error):
    """Call check_msg until nothing is left; return how often it raised `error`."""
    raised = 0
    while True:
        try:
            if not a.client.check_msg() and not a.transport.incoming:
                return raised
        except error:
            raised += 1


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("error", [KeyError, MemoryError, OSError, KeyboardInterrupt, SystemExit, StopIteration])
@pytest.mark.parametrize("look", ["check_msg", "wait_msg"])
def test_an_exception_in_the_callback_reaches_the_caller_and_the_message_counts_as_given(app, qos, error, look):
    a = app()
    a.client.connect(clean_session=False)
    a.transport.deliver("t", "m", qos=qos)

    def fail(*args):
        a.messages.append(args)
        raise error("in the application")

    a.client.set_callback(fail)
    with pytest.raises(error, match="in the application"):
        getattr(a.client, look)()
    a.drain()
    assert a.transport.is_open
    assert a.transport.acknowledged == ([1] if qos else [])
    a.client.publish("still", "usable")
    a.client.connect(clean_session=False)
    a.drain()
    assert len(a.messages) == 1


def test_a_client_whose_callback_always_raises_does_not_go_deaf(app):
    a = app()
    a.client.connect(clean_session=False)
    good = []

    def callback(topic, msg, *_):
        good.append(int(msg))

    a.client.set_callback(callback)
    for _ in range(25):
        for qos in (1, 2):
            a.transport.deliver("t", "oops", qos)
    a.transport.deliver("t", "5", 1)
    assert drain_raising(a, ValueError) == 50
    assert good == [5]
    assert len(a.transport.acknowledged) == 51


def test_a_status_callback_that_raises_reaches_the_caller_once(scripted):
    a = scripted()

    def fail(pid, status):
        raise KeyError("in the application")

    a.client.set_callback_status(fail)
    for _ in range(2):
        a.transport.feed(wire.ack(0x40, a.client.publish("t", "m", qos=1)))
    for _ in range(2):
        with pytest.raises(KeyError):
            a.client.check_msg()
    assert a.client.check_msg() is None
    assert a.transport.is_open


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_message_without_a_callback_is_acknowledged_and_told(app, qos):
    a = app()
    a.client.set_callback(None)
    a.client.connect(clean_session=False)
    a.transport.deliver("t", "m", qos=qos)
    a.drain()
    assert a.statuses == [(0, errno.SDROPPED)]
    assert a.transport.acknowledged == ([1] if qos else [])


# --- What brokers do that MQTT does not allow --------------------------------------------------------------


@pytest.mark.parametrize("topic", [b"a/+", b"#", b"\xff\xfe", b"a\0b", b"\xed\xa0\x80"])
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("chunks", [False, True])
def test_a_topic_that_is_no_name_is_acknowledged_dropped_and_told(scripted, topic, qos, chunks):
    a = scripted()
    if chunks:
        a.client.set_callback_chunks(lambda *args: a.messages.append(args), "#")
        a.connect_again()
    a.transport.feed(wire.publish(topic, b"m", qos, 7) + wire.publish(b"t", b"m"))
    a.drain()
    assert a.statuses == [(0, errno.SDROPPED)]
    assert a.transport.sent == (wire.ack([0, 0x40, 0x50][qos], 7) if qos else b"")
    assert [m[0] for m in a.messages] == [b"t"]
    a.client.publish("still", "connected")


def test_dup_at_qos_0_is_delivered(scripted):
    a = scripted(wire.publish(b"t", b"m", dup=True))
    a.drain()
    assert a.messages == [(b"t", b"m", False, True)]


@pytest.mark.parametrize("code", [3, 4, 127, 128, 129, 255])
def test_any_odd_code_of_a_suback_is_a_refusal(scripted, code):
    a = scripted()
    pid = a.client.subscribe("t", 2)
    a.transport.feed(wire.suback(pid, code))
    a.drain()
    assert a.statuses == [(pid, errno.SFAILED)]
    a.client.publish("still", "connected")


def test_a_disconnect_from_the_broker_ends_the_connection_and_says_so(scripted):
    a = scripted(b"\xe0\0")
    with pytest.raises(MQTTException) as caught:
        a.client.check_msg()
    assert caught.value.args[0] == errno.ERESPONSE
    assert "0xe0" in caught.value.args[1]
    assert not a.transport.is_open


@pytest.mark.parametrize("asked, granted", [(2, 0), (2, 1), (2, 2), (1, 1), (1, 2), (0, 0), (1, 128)])
@pytest.mark.parametrize("session", [None, PacketIdSession, MemorySession])
def test_the_status_callback_can_see_the_qos_that_was_granted(scripted, asked, granted, session):
    a = scripted(session=session and session())
    if asked > a.client.session.max_qos:
        pytest.skip("the store does not know QoS 2")
    seen = []
    a.client.set_callback_status(lambda pid, status: seen.append((pid, status, a.client.connection.code)))
    pid = a.client.subscribe("t", asked)
    a.transport.feed(wire.publish(b"x", b"m") + wire.suback(pid, granted) + wire.publish(b"x", b"m"))
    a.drain()
    assert seen == [(pid, errno.SFAILED if granted == 128 else errno.SDELIVERED, granted)]


# --- Kinds of acknowledgements -----------------------------------------------------------------------------

ACKS = {0x40: wire.ack, 0x50: wire.ack, 0x70: wire.ack, 0x90: lambda _, pid: wire.suback(pid), 0xB0: wire.ack}
REQUESTS = [
    (lambda c: c.publish("t", "m", qos=1), [0x40]),
    (lambda c: c.publish("t", "m", qos=2), [0x50, 0x70]),
    (lambda c: c.subscribe("t", 1), [0x90]),
    (lambda c: c.unsubscribe("t"), [0xB0]),
]


@pytest.mark.parametrize("session", [PacketIdSession, QoS2Session])
@pytest.mark.parametrize("wrong", ACKS)
@pytest.mark.parametrize("request_, right", REQUESTS)
@pytest.mark.mqtt("MQTT-4.3.2-1")
def test_an_acknowledgement_of_the_wrong_kind_changes_nothing(scripted, session, wrong, request_, right):
    a = scripted(session=session())
    if 0x50 in right and a.client.session.max_qos < 2:
        pytest.skip("the store does not know QoS 2")
    if (wrong, right[0]) == (0x40, 0x50):
        pytest.skip("a broker without QoS 2 answers so: see test_client_qos2.py")
    pid = request_(a.client)
    if wrong != right[0]:
        a.transport.feed(ACKS[wrong](wrong, pid))
        a.drain()
        assert a.statuses in ([], [(pid, errno.SUNKNOWNPID)])
        a.statuses.clear()
    for first in right:
        a.transport.feed(ACKS[first](first, pid))
        a.drain()
    assert a.statuses == [(pid, errno.SDELIVERED)]
    a.transport.feed(ACKS[right[-1]](right[-1], pid))  # a second one
    a.drain()
    assert a.statuses == [(pid, errno.SDELIVERED), (pid, errno.SUNKNOWNPID)]
    a.client.publish("still", "connected")


@pytest.mark.parametrize("wrong", [0x40, 0x90, 0xB0])
def test_between_pubrec_and_pubcomp_nothing_else_counts(scripted, wrong):
    a = scripted()
    pid = a.client.publish("t", "m", qos=2)
    a.transport.feed(wire.ack(0x50, pid) + ACKS[wrong](wrong, pid))
    a.drain()
    assert a.statuses == [(pid, errno.SUNKNOWNPID)]
    a.transport.feed(wire.ack(0x50, pid) + wire.ack(0x70, pid))  # PUBREC may come again
    a.drain()
    assert a.statuses == [(pid, errno.SUNKNOWNPID), (pid, errno.SDELIVERED)]
    assert a.transport.sent.endswith(wire.ack(0x62, pid) * 2)


# --- QoS 2 in a session that goes on -----------------------------------------------------------------------


@pytest.mark.parametrize("session", [QoS2Session, MemorySession])
def test_an_identifier_that_is_used_again_too_early_brings_a_new_message(scripted, session):
    a = scripted(session=session())
    other = [(b"t", b"two"), (b"t", b"two!"), (b"u", b"two!"), (b"t", b""), (b"t", b"x" * 128 + b"1" * 900)]
    for topic, msg in [(b"t", b"one")] + other:
        a.transport.feed(wire.publish(topic, msg, 2, 7))
        a.drain()
    assert [m[:2] for m in a.messages] == [(b"t", b"one")] + other
    assert a.transport.sent == wire.ack(0x50, 7) * 6


@pytest.mark.parametrize("session", [QoS2Session, MemorySession])
@pytest.mark.parametrize("dup", [False, True])
@pytest.mark.parametrize("msg", [b"", b"once", b"x" * 5000])
def test_a_repetition_is_not_given_again_whatever_its_dup_says(scripted, session, dup, msg):
    a = scripted(session=session())
    a.transport.feed(wire.publish(b"t", msg, 2, 7) + wire.publish(b"t", msg, 2, 7, dup=dup))
    a.drain()
    a.connect_again()
    a.transport.feed(wire.publish(b"t", msg, 2, 7, dup=dup) + wire.ack(0x62, 7))
    a.drain()
    assert len(a.messages) == 1
    assert a.transport.sent == wire.ack(0x50, 7) + wire.ack(0x70, 7)
    a.transport.feed(wire.publish(b"t", msg, 2, 7))  # after PUBREL the same is a new one
    a.drain()
    assert len(a.messages) == 2


def test_a_broker_that_never_releases_takes_no_more_memory(scripted):
    a = scripted()
    for pid in range(1, 1001):
        a.transport.feed(wire.publish(b"t", b"m", 2, pid))
        a.drain()
        a.forget_sent()
    assert len(a.messages) == 1000
    assert len(a.client.session.received) <= 100


@pytest.mark.parametrize("first", ["nothing", "disconnect", "connect", "connect clean", "both", "raise"])
@pytest.mark.parametrize("make", [None, robust.MQTTClient])
@pytest.mark.parametrize("session", [None, QoS2Session, MemorySession])
@pytest.mark.parametrize("lost", [False, True])
def test_a_message_at_qos_2_comes_once_when_its_callback_connects_anew(first, make, session, lost):
    if make and session is QoS2Session:
        pytest.skip("this client needs a store that keeps messages")
    a = App(FakeBroker(), **({"make": make} if make else {}), session=session and session())
    c = a.client

    def callback(*args):
        a.messages.append(args)
        if len(a.messages) > 1:
            return
        if lost:
            a.transport._received.clear()
        if first in ("disconnect", "both"):
            c.disconnect()
        if first in ("connect", "both"):
            c.connect(False)
        if first == "connect clean":
            c.connect(True)
        if first == "raise":
            raise KeyError

    c.set_callback(callback)
    c.connect(False)
    c.subscribe("cmd", 2)
    a.drain()
    a.transport.deliver("cmd", "open the door", qos=2)
    for _ in range(100):
        try:
            c.check_msg()
        except KeyError:
            pass
        except MQTTException:
            c.connect(False)
        a.clock.advance(100)
    assert [m[1] for m in a.messages] == [b"open the door"]
    assert a.transport._in_flight == {}


@pytest.mark.parametrize("store", [QoS2Session, MemorySession])
@pytest.mark.parametrize("method", ["on_packet", "is_new", "expired", "unsent", "sent", "resume"])
@pytest.mark.parametrize("error", [MemoryError, OSError, RuntimeError])
def test_a_fault_of_the_store_closes_the_connection_and_loses_nothing(app, store, method, error):
    faults = []

    def faulty(self, *args):
        if faults:
            raise faults.pop()
        return getattr(store, method)(self, *args)

    a = app(session=type("Faulty", (store,), {method: faulty})())
    a.connect(False)
    a.client.subscribe("t", 2)
    a.drain()
    a.statuses.clear()
    pids = []
    for _ in range(2):
        faults.append(error())
        try:
            pids.append(a.client.publish("out", "m", qos=2))
        except error:
            assert not a.transport.is_open
            a.client.connect(False)
        a.transport.deliver("t", "in", 2)
        for _ in range(20):
            a.clock.advance(100)
            try:
                a.client.check_msg()
            except (error, MQTTException):
                assert not a.transport.is_open
                while not a.transport.is_open:
                    try:
                        a.client.connect(False)
                    except error:
                        pass
    assert len(a.messages) == 2
    assert len(a.transport.acknowledged) == 2
    if store is MemorySession:
        assert sorted(a.statuses) == [(pid, errno.SDELIVERED) for pid in pids]
        assert len(a.transport.published) == len(pids) or method == "sent"


# --- Methods that a callback calls -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["message", "status", "chunks"])
@pytest.mark.parametrize("look", ["check_msg", "wait_msg"])
def test_looking_after_a_disconnect_within_a_callback_finds_nothing(app, kind, look):
    a = app()
    results = []

    def callback(*args):
        a.client.disconnect()
        results.append(getattr(a.client, look)())

    a.client.set_callback(callback)
    if kind == "status":
        a.client.set_callback_status(callback)
    if kind == "chunks":
        a.client.set_callback_chunks(callback, "t")
    a.client.connect()
    if kind == "status":
        a.client.publish("t", "m", qos=1)
    else:
        a.transport.deliver("t", "m", 1)
    a.client.check_msg()
    assert results == [None]
    with pytest.raises(MQTTException) as caught:
        a.client.check_msg()
    assert caught.value.args == (errno.ECONNOT,)


def test_a_status_callback_may_connect_anew(app):
    a = app(session=MemorySession())
    a.client.connect(False)

    def callback(pid, status):
        a.statuses.append((pid, status))
        if len(a.statuses) == 1:
            a.client.disconnect()
            a.client.connect(False)

    a.client.set_callback_status(callback)
    pids = [a.client.publish("t", str(n), qos=2) for n in range(3)]
    for _ in range(30):
        a.client.check_msg()
    assert a.statuses == [(pid, errno.SDELIVERED) for pid in pids]
    assert [p[1] for p in a.transport.published] == [b"0", b"1", b"2"]


def test_what_a_method_within_a_callback_raises_is_the_callbacks(connected):
    def callback(*args):
        connected.client.publish("not/+/allowed", "m")

    connected.client.set_callback(callback)
    connected.transport.deliver("t", "m", 1)
    with pytest.raises(ValueError, match="topic"):
        connected.client.check_msg()
    connected.drain()
    assert connected.transport.acknowledged == [1]


def test_a_connection_that_breaks_within_a_callback_is_told_by_it(connected):
    def callback(*args):
        connected.transport.fail_write = OSError(104)
        connected.client.publish("t", "m")

    connected.client.set_callback(callback)
    connected.transport.deliver("t", "m", 1)
    with pytest.raises(OSError) as caught:
        connected.client.check_msg()
    assert caught.value.args == (104,)
    with pytest.raises(MQTTException) as caught:
        connected.client.check_msg()
    assert caught.value.args == (errno.ECONNOT,)


@pytest.mark.mqtt("MQTT-4.6.0-2")
def test_any_method_may_be_called_from_the_callback(connected):
    client = connected.client
    results = []

    def callback(topic, msg, retained, dup):
        results.append(client.check_msg())
        results.append(client.wait_msg())
        results.append(client.publish("out", b"x" * 200, qos=1))
        results.append(client.subscribe("more"))
        results.append(client.unsubscribe("more"))
        client.ping()

    client.set_callback(callback)
    connected.transport.deliver("t", "1", qos=1)
    connected.transport.deliver("t", "2", qos=1)
    client.check_msg()
    assert results == [None, None, 1, 2, 3]
    connected.drain()
    assert connected.transport.acknowledged == [1, 2]
    assert connected.transport.published == [(b"out", b"x" * 200, 1, False)] * 2
    assert sorted(connected.statuses) == [(pid, 1) for pid in range(1, 7)]


@pytest.mark.parametrize("method", ["connect", "disconnect"])
def test_a_callback_may_end_the_connection_that_its_message_came_on(app, method):
    a = app()
    a.client.connect(clean_session=False)
    a.client.set_callback(lambda *args: getattr(a.client, method)())
    a.transport.deliver("t", "m", qos=1)
    assert a.client.check_msg() == 0x32
    # The acknowledgement belonged to the old connection: it must not go out on a new one.
    assert a.transport.acknowledged == []
    if method == "disconnect":
        with pytest.raises(MQTTException):
            a.client.check_msg()
    else:
        assert a.client.check_msg() is None


# What has one of the client's callbacks called, with the next check_msg().
EVENTS = {
    "message": lambda a: a.transport.deliver("t", "m", 1),
    "acknowledged": lambda a: a.client.publish("t", "m", qos=1),
    "timeout": lambda a: [setattr(a.transport, "silent", True), a.client.subscribe("t"), a.clock.advance(20000)],
    "dropped": lambda a: [a.client.set_callback(None), a.transport.deliver("t", "m", 1)],
    "too large": lambda a: a.transport.deliver("t", bytes(2000), 1),
    "chunks": lambda a: a.transport.deliver("large", bytes(2000), 1),
}


def call_back(a, f):
    """Have every callback of a client call `f` with what it was given."""
    a.client.set_callback(f)
    a.client.set_callback_status(f)
    a.client.set_callback_chunks(f, "large")


@pytest.mark.parametrize("session", [None, MemorySession])
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("method", ["connect", "disconnect", "disconnect and look", "disconnect and connect"])
def test_every_callback_may_connect_and_disconnect(app, event, method, session):
    a = app(session=session and session(), max_packet=1000)
    calls = []

    def callback(*args):
        calls.append(args)
        if len(calls) == 1:
            a.transport.silent = False
            if "disconnect" in method:
                a.client.disconnect()
            if "look" in method:
                assert a.client.check_msg() is None
                assert a.client.wait_msg() is None
            if "connect" in method.split():
                a.client.connect(False)

    call_back(a, callback)
    a.client.connect(False)
    EVENTS[event](a)
    a.client.check_msg()
    assert len(calls) == 1
    if "connect" not in method.split():
        with pytest.raises(MQTTException) as caught:
            a.client.check_msg()
        assert caught.value.args == (errno.ECONNOT,)
        a.client.connect(False)
    pid = a.client.publish("works", "m", qos=1)
    a.drain()
    assert calls[-1] == (pid, errno.SDELIVERED)
    assert a.transport.published[-1][0] == b"works"


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("look", ["check_msg", "wait_msg"])
def test_what_any_callback_raises_comes_from_the_look_that_called_it_and_from_nothing_later(app, event, look):
    a = app(max_packet=1000)
    error = KeyError("of the program")
    calls = []

    def callback(*args):
        calls.append(args)
        if len(calls) == 1:
            raise error

    call_back(a, callback)
    a.client.connect()
    EVENTS[event](a)
    with pytest.raises(KeyError) as caught:
        getattr(a.client, look)()
    assert caught.value is error
    a.transport.silent = False
    assert a.client.connection.state
    a.drain()
    pid = a.client.publish("works", "m", qos=1)
    a.client.check_msg()
    assert calls[-1] == (pid, errno.SDELIVERED)
    a.transport.fail_read = OSError(104)
    with pytest.raises(OSError) as caught:
        getattr(a.client, look)()
    assert caught.value.args == (104,)


METHODS = {
    "connect": lambda c: c.connect(False),
    "disconnect": lambda c: c.disconnect(),
    "publish": lambda c: c.publish("t", "m"),
    "publish at QoS 1": lambda c: c.publish("t", "m", qos=1),
    "publish a stream": lambda c: c.publish("t", io.BytesIO(b"m"), qos=1, length=1),
    "subscribe": lambda c: c.subscribe("t"),
    "unsubscribe": lambda c: c.unsubscribe("t"),
    "ping": lambda c: c.ping(),
}


@pytest.mark.parametrize(
    "make, session",
    [(MQTTClient, PacketIdSession), (MQTTClient, MemorySession), (robust.MQTTClient, MemorySession)],
)
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("method", METHODS)
def test_no_other_method_calls_them(app, event, method, make, session):
    a = app(make=make, session=session(), max_packet=1000)
    calls = []
    call_back(a, lambda *args: calls.append(args))
    a.client.connect(False)
    EVENTS[event](a)
    a.transport.silent = False
    METHODS[method](a.client)
    assert calls == []


def test_a_status_callback_may_publish(connected):
    client = connected.client
    statuses = []

    def callback(pid, status):
        statuses.append((pid, status))
        assert client.check_msg() is None
        if len(statuses) < 5:
            client.publish("t", "again", qos=1)

    client.set_callback_status(callback)
    client.publish("t", "first", qos=1)
    connected.drain()
    assert statuses == [(pid, 1) for pid in range(1, 6)]


def test_statuses_of_timeouts_may_publish_too(scripted):
    a = scripted(message_timeout=10)
    statuses = []

    def callback(pid, status):
        statuses.append((pid, status))
        a.client.publish("t", "again", qos=1)

    a.client.set_callback_status(callback)
    for _ in range(3):
        a.client.publish("t", "m", qos=1)
    a.clock.advance(10_200)
    a.client.check_msg()
    assert sorted(statuses) == [(1, 0), (2, 0), (3, 0)]


def test_no_acknowledgement_is_status_0_and_a_late_one_status_2(scripted):
    a = scripted(message_timeout=10, clock=FakeClock(2**30 - 5000))  # the ticks wrap meanwhile
    pid = a.client.publish("t", "m", qos=1)
    a.clock.advance(9999)
    a.client.check_msg()
    assert a.statuses == []
    a.clock.advance(200)  # a little later
    a.client.check_msg()
    assert a.statuses == [(pid, errno.STIMEOUT)]
    a.transport.feed(wire.ack(0x40, pid))
    a.client.check_msg()
    assert a.statuses == [(pid, errno.STIMEOUT), (pid, errno.SUNKNOWNPID)]


@pytest.mark.parametrize("make", [MQTTClient, robust.MQTTClient])
@pytest.mark.parametrize("burst", [True, False])
def test_answers_that_came_while_the_program_did_not_look_are_no_timeouts(app, make, burst):
    a = app(make=make, message_timeout=10)
    a.connect()
    pids = [a.client.subscribe(topic) for topic in "abc"]
    pids += [a.client.publish("t", "m", qos=1) for _ in range(3)]
    for _ in pids:
        a.clock.advance(15000)  # with the last answer the longest has waited for 90 s
        a.client.check_msg()
        if burst:
            a.drain()
    assert a.statuses == [(pid, errno.SDELIVERED) for pid in pids]


@pytest.mark.parametrize("first", [0x40, 0x70, 0xB0])
def test_an_acknowledgement_of_nothing_breaks_nothing(scripted, first):
    a = scripted(wire.ack(first, 99))
    a.drain()
    assert a.statuses == [(99, errno.SUNKNOWNPID)]
    a.client.publish("t", "m")


def test_no_callback_at_all(scripted):
    a = scripted(wire.ack(0x40, 1) + wire.publish(b"t", b"m"))
    a.client.set_callback(None)
    a.client.set_callback_status(None)
    a.drain()


packets = st.one_of(
    st.builds(wire.publish, st.sampled_from([b"t", "é/𝄞".encode()]), st.binary(max_size=200)),
    st.builds(
        wire.publish, st.just(b"t"), st.binary(max_size=9), st.just(1), st.integers(1, 65535)
    ),
    st.builds(wire.ack, st.sampled_from([0x40, 0xB0]), st.integers(1, 65535)),
    st.builds(wire.suback, st.integers(1, 65535), st.sampled_from([0, 1, 128])),
    st.just(wire.PINGRESP),
)


def outcome(stream, sizes):
    a = App(FakeTransport(b"\x20\x02\0\0"))
    a.connect()
    a.transport.feed(stream)
    a.transport.read_sizes = sizes
    while a.transport.incoming:
        a.client.check_msg()
    a.drain()
    return a.messages, a.statuses, bytes(a.transport.sent)


@pytest.mark.long
@given(st.lists(packets, max_size=8), st.lists(st.integers(0, 30), max_size=60))
@settings(max_examples=150)
def test_any_fragmentation_gives_the_same_callbacks(stream, sizes):
    whole = outcome(b"".join(stream), None)
    assert outcome(b"".join(stream), iter(sizes)) == whole
    assert outcome(b"".join(stream), 1) == whole


@given(st.binary(max_size=300), st.lists(st.integers(0, 20), max_size=30))
@settings(max_examples=300)
@pytest.mark.mqtt("MQTT-4.8.0-1")
def test_any_bytes_give_an_mqtt_exception_or_progress(data, sizes):
    a = App(FakeTransport(b"\x20\x02\0\0"), max_packet=100)
    a.connect()
    a.transport.feed(data)
    a.transport.read_sizes = iter(sizes)
    a.transport.ended = True
    for _ in range(2 * len(data) + 70):
        try:
            a.client.check_msg()
        except MQTTException as e:
            assert e.args[0] in (errno.ERESPONSE, errno.ECONCLOSE)
            break
    else:
        raise AssertionError("neither progress nor an exception")
    assert not a.transport.is_open


@pytest.mark.mqtt("MQTT-4.5.0-2")
def test_a_message_that_is_too_large_is_told_acknowledged_and_survived(scripted):
    a = scripted(max_packet=100)
    a.transport.feed(wire.publish(b"big", b"x" * 50_000, 1, 77))
    a.transport.feed(wire.publish(b"big", b"x" * 50_000))
    a.transport.feed(wire.publish(b"small", b"m", 1, 78))
    while a.transport.incoming:
        a.client.check_msg()
    assert a.statuses == [(0, errno.SOVERSIZE)] * 2
    assert a.messages == [(b"small", b"m", False, False)]
    assert a.transport.sent == wire.ack(0x40, 77) + wire.ack(0x40, 78)


def test_one_check_of_a_huge_message_does_not_last_for_all_of_it(scripted):
    a = scripted(max_packet=100)
    a.transport.feed(wire.publish(b"big", b"x" * 1_000_000))
    assert a.client.check_msg() is None
    assert len(a.transport.incoming) > 900_000


@pytest.mark.parametrize(
    "data", [b"\x36\x05\0\x01a\0\x01", b"\x00\x00", b"\x20\x02\0\0", wire.publish(b"t", b"m", 2, 0)]
)
def test_a_broker_that_breaks_mqtt_is_left_without_a_goodbye(scripted, data):
    a = scripted(data)
    with pytest.raises(MQTTException) as caught:
        a.drain()
    assert caught.value.args[0] == errno.ERESPONSE
    assert not a.transport.is_open
    assert a.transport.sent == b""
    with pytest.raises(MQTTException) as caught:
        a.client.check_msg()
    assert caught.value.args == (errno.ECONNOT,)


def test_the_broker_closes(scripted):
    a = scripted(wire.publish(b"t", b"last"))
    a.transport.ended = True
    assert a.client.check_msg() == 0x30
    with pytest.raises(MQTTException) as caught:
        a.client.check_msg()
    assert caught.value.args == (errno.ECONCLOSE,)
    assert a.messages[0][1] == b"last"


@pytest.mark.parametrize("position", range(0, 11))
def test_the_broker_closes_in_the_middle_of_a_packet(scripted, position):
    a = scripted(wire.publish(b"topic", b"ab", 1, 3)[:position])
    a.transport.ended = True
    with pytest.raises(MQTTException) as caught:
        for _ in range(3):
            a.client.check_msg()
    assert caught.value.args == (errno.ECONCLOSE,)
    assert a.messages == []


def test_a_failing_read_is_the_transports_error(app):
    a = app()
    a.connect()
    a.transport.fail_read = OSError(104)
    with pytest.raises(OSError):
        a.client.check_msg()
    assert not a.transport.is_open
    a.client.connect()
    assert a.client.check_msg() is None


def test_half_a_packet_is_forgotten_by_a_new_connection(app):
    a = app()
    a.connect()
    a.transport.feed(wire.publish(b"t", b"x" * 300)[:100])
    a.client.check_msg()
    a.client.connect()
    a.transport.deliver("t", "new")
    a.drain()
    assert a.messages == [(b"t", b"new", False, False)]


def test_wait_msg_waits_for_one_packet(connected):
    class Later(type(connected.transport)):
        def wait(self, flags, timeout_ms):
            super().wait(flags, timeout_ms)
            if self.clock.now > 60_000 and not self.incoming:
                self.deliver("t", "late")

    connected.transport.__class__ = Later
    assert connected.client.wait_msg() == 0x30
    assert connected.messages == [(b"t", b"late", False, False)]
    assert connected.clock.now >= 60_000


def test_wait_msg_tells_timeouts_while_it_waits(scripted):
    a = scripted(message_timeout=10)
    pid = a.client.publish("t", "m", qos=1)

    def callback(got, status):
        a.statuses.append((got, status))
        a.transport.feed(wire.PINGRESP)

    a.client.set_callback_status(callback)
    assert a.client.wait_msg() == 0xD0
    assert a.statuses == [(pid, errno.STIMEOUT)]
    assert 10_000 <= a.clock.now <= 11_000


def test_check_msg_returns_at_once_and_without_a_socket_timeout_waits(app):
    a = app()
    a.connect()
    before = a.clock.now
    assert a.client.check_msg() is None
    assert a.clock.now == before
    a.client.socket_timeout = None
    a.transport.wait = lambda flags, ms: a.transport.deliver("t", "m")
    assert a.client.check_msg() == 0x30


def test_wait_msg_does_not_wait_in_the_middle_of_what_has_come(scripted):
    a = scripted(wire.publish(b"t", b"x" * 30_000), max_packet=40_000)

    def wait(flags, timeout_ms):
        raise AssertionError("there is more to read")

    a.transport.wait = wait
    assert a.client.wait_msg() == 0x30
    assert a.messages == [(b"t", b"x" * 30_000, False, False)]


def test_timeouts_are_told_while_messages_keep_coming(scripted):
    a = scripted(message_timeout=10)
    pid = a.client.publish("t", "m", qos=1)
    for _ in range(220):
        a.transport.feed(wire.publish(b"t", b"m"))
        a.clock.advance(50)  # so there is one whenever the timers are looked at
        while a.client.check_msg():
            pass
    assert a.statuses == [(pid, errno.STIMEOUT)]


def test_timeouts_are_told_some_minutes_late_where_each_look_finds_a_message(scripted):
    a = scripted(message_timeout=10)
    pid = a.client.publish("t", "m", qos=1)
    for seconds in range(320):
        a.transport.feed(wire.publish(b"t", b"m"))
        a.clock.advance(1000)
        assert a.client.check_msg()
        assert seconds > 300 or not a.statuses
    assert a.statuses == [(pid, errno.STIMEOUT)]


def test_a_subclass_may_have_attributes_of_its_own(app):
    from umqtt2 import MQTTClient

    class Program(MQTTClient):
        topic, payload, pid, code, want = "home/t", "p", 1, 2, 3

    transport = FakeTransport(wire.connack() + wire.publish(b"t", b"m", 1, 77) + wire.suback(5))
    p = Program("id", "broker", transport=transport, clock=transport.clock)
    p.set_callback(lambda *args: None)
    p.connect()
    while p.check_msg():
        pass
    assert (p.topic, p.payload, p.pid, p.code, p.want) == ("home/t", "p", 1, 2, 3)


@pytest.mark.parametrize("size", [1000, 3])
@pytest.mark.mqtt("MQTT-4.5.0-2")
def test_no_memory_for_a_topic_or_a_payload_is_told_and_acknowledged_rightly(scripted, mocker, size):
    from umqtt2.packets import decoder

    class Full(decoder.BytesIO):
        def read(self, n):
            if n >= 500:
                raise MemoryError
            return super().read(n)

    mocker.patch.object(decoder, "BytesIO", Full)
    a = scripted(wire.publish(b"t" * size, b"m" * (1003 - size), 1, 5))
    a.drain()
    assert a.statuses == [(0, errno.SOVERSIZE)]
    assert a.messages == []
    assert a.transport.sent == wire.ack(0x40, 5)


def test_a_packet_is_never_asked_for_more_than_it_has(scripted, mocker):
    from umqtt2.packets import decoder

    class Strict(decoder.BytesIO):
        def read(self, n):
            assert n <= 128, "MicroPython would take memory for all of it"
            return super().read(n)

    mocker.patch.object(decoder, "BytesIO", Strict)
    a = scripted(b"\x30\x05\xff\xffabc")
    with pytest.raises(MQTTException):
        a.drain()
