"""QoS 2: exactly once, in both directions."""

from __future__ import annotations

import pytest

from tests.unit import wire
from umqtt2 import MQTTException, errno
from umqtt2.robust import MQTTClient as Robust
from umqtt2.session.memory import MemorySession
from umqtt2.session.packet_ids import PacketIdSession
from umqtt2.session.qos2 import QoS2Session

PUBREC, PUBREL, PUBCOMP, PUBACK = 0x50, 0x62, 0x70, 0x40

STORES = [QoS2Session, MemorySession]


@pytest.fixture(params=STORES)
def a(request, scripted):
    """A client with a store that knows QoS 2, on a FakeTransport."""
    return scripted(session=request.param())


@pytest.mark.mqtt("MQTT-2.3.1-6", "MQTT-4.3.3-1")
def test_a_message_is_told_as_delivered_when_pubcomp_comes(a):
    pid = a.client.publish("t", "m", qos=2)
    assert a.transport.sent == wire.publish(b"t", b"m", 2, pid)
    a.forget_sent()
    a.transport.feed(wire.ack(PUBREC, pid))
    assert a.client.check_msg() == PUBREC
    assert a.transport.sent == wire.ack(PUBREL, pid)
    assert a.statuses == []
    a.transport.feed(wire.ack(PUBCOMP, pid))
    a.drain()
    assert a.statuses == [(pid, errno.SDELIVERED)]


def test_retain_and_dup_are_sent(a):
    pid = a.client.publish("t", "m", True, 2, True)
    assert a.transport.sent == wire.publish(b"t", b"m", 2, pid, retain=True, dup=True)


@pytest.mark.mqtt("MQTT-3.3.4-1", "MQTT-4.3.3-2")
def test_an_incoming_message_is_given_once_whatever_is_repeated(a):
    for dup in (False, True, True):
        a.transport.feed(wire.publish(b"t", b"m", 2, 7, dup=dup))
    a.drain()
    assert a.messages == [(b"t", b"m", False, False)]
    assert a.transport.sent == wire.ack(PUBREC, 7) * 3
    a.forget_sent()
    a.transport.feed(wire.ack(PUBREL, 7) * 2)
    a.drain()
    assert a.transport.sent == wire.ack(PUBCOMP, 7) * 2
    a.transport.feed(wire.publish(b"t", b"next", 2, 7))
    a.drain()
    assert [m[1] for m in a.messages] == [b"m", b"next"]


def test_pubrec_goes_out_when_the_callback_has_returned(a):
    sent = []
    a.client.set_callback(lambda *args: sent.append(bytes(a.transport.sent)))
    a.transport.feed(wire.publish(b"t", b"m", 2, 7))
    a.drain()
    assert sent == [b""]


def test_a_message_whose_callback_raises_is_acknowledged_and_not_given_again(a):
    given = []

    def fail(*args):
        given.append(args)
        raise KeyError("in the application")

    a.client.set_callback(fail)
    a.transport.feed(wire.publish(b"t", b"m", 2, 7))
    with pytest.raises(KeyError):
        a.client.check_msg()
    assert a.transport.sent == wire.ack(PUBREC, 7)
    a.transport.feed(wire.publish(b"t", b"m", 2, 7, dup=True))
    a.drain()
    assert len(given) == 1
    assert a.transport.sent == wire.ack(PUBREC, 7) * 2


def test_without_a_callback_it_is_acknowledged_and_told(a):
    a.client.set_callback(None)
    a.transport.feed(wire.publish(b"t", b"m", 2, 7) * 2)
    a.drain()
    assert a.transport.sent == wire.ack(PUBREC, 7) * 2
    assert a.statuses == [(0, errno.SDROPPED)]


def test_an_oversized_message_is_told_once_and_acknowledged(scripted):
    a = scripted(session=QoS2Session(), max_packet=200)
    a.transport.feed(wire.publish(b"t", b"x" * 300, 2, 7) * 2)
    a.drain()
    assert a.statuses == [(0, errno.SOVERSIZE)]
    assert a.transport.sent == wire.ack(PUBREC, 7) * 2


@pytest.mark.parametrize("first, answer", [(PUBREC, PUBREL), (PUBREL, PUBCOMP)])
@pytest.mark.mqtt("MQTT-4.3.3-2")
def test_an_identifier_that_is_unknown_is_answered(a, first, answer):
    a.transport.feed(wire.ack(first, 99))
    a.drain()
    assert a.transport.sent == wire.ack(answer, 99)
    assert a.statuses == []


def test_a_broker_without_qos_2_that_answers_with_puback_has_the_message(a):
    # RabbitMQ does so: no PUBREC will come, and 20 such messages would fill the store for ever.
    for _ in range(25):
        pid = a.client.publish("t", "m", qos=2)
        a.transport.feed(wire.ack(PUBACK, pid))
        a.drain()
        assert a.statuses.pop() == (pid, errno.SDELIVERED)


@pytest.mark.parametrize("first", [PUBACK, PUBCOMP])
def test_an_acknowledgement_that_nobody_waits_for_is_told(a, first):
    a.transport.feed(wire.ack(first, 99))
    a.drain()
    assert a.statuses == [(99, errno.SUNKNOWNPID)]
    a.client.publish("still", "connected")


def test_in_both_directions_with_a_broker(connected):
    c = connected.client
    c.subscribe("in", 2)
    pid = c.publish("out", "m", qos=2)
    connected.drain()
    assert connected.statuses[-1] == (pid, errno.SDELIVERED)
    assert connected.transport.published == [(b"out", b"m", 2, False)]
    connected.transport.deliver("in", "m", qos=2)
    connected.drain()
    assert connected.messages == [(b"in", b"m", False, False)]
    assert connected.transport.acknowledged == [1]


def test_the_default_store_gives_up_after_the_message_timeout(scripted):
    a = scripted(message_timeout=3)
    pid = a.client.publish("t", "m", qos=2)
    a.clock.advance(2990)
    a.client.check_msg()
    assert a.statuses == []
    a.clock.advance(150)
    a.client.check_msg()
    assert a.statuses == [(pid, errno.STIMEOUT)]


def test_it_says_that_the_broker_has_the_message_once_pubrec_came(scripted):
    a = scripted(message_timeout=3)
    pid = a.client.publish("t", "m", qos=2)
    a.transport.feed(wire.ack(PUBREC, pid))
    a.drain()
    a.clock.advance(3150)
    a.client.check_msg()
    assert a.statuses == [(pid, errno.SDELIVERED)]


@pytest.mark.mqtt("MQTT-3.1.2-4", "MQTT-4.1.0-1")
def test_identifiers_of_deliveries_survive_a_reconnect_to_the_same_session(app):
    a = app()
    a.connect(clean_session=False)
    broker = a.transport
    broker.deliver("t", "m", qos=2)
    a.client.check_msg()  # PUBREC is out; the broker never sees it
    broker._received.clear()
    broker.incoming.clear()
    broker.drop()
    with pytest.raises(Exception):  # noqa: B017
        a.drain()
    a.connect(clean_session=False)
    a.drain()
    assert a.messages == [(b"t", b"m", False, False)]
    assert broker.acknowledged == [1]


@pytest.mark.mqtt("MQTT-3.1.2-6")
def test_a_new_session_may_use_the_same_identifiers(a):
    a.transport.feed(wire.publish(b"t", b"same", 2, 7))
    a.drain()
    a.client.disconnect()
    a.transport.feed(wire.connack(0))
    a.connect()
    a.transport.feed(wire.publish(b"t", b"same", 2, 7))
    a.drain()
    assert [m[1] for m in a.messages] == [b"same", b"same"]


@pytest.mark.parametrize("qos", [3, -1])
def test_other_levels_are_refused(a, qos):
    with pytest.raises(ValueError, match="qos"):
        a.client.publish("t", "m", qos=qos)
    with pytest.raises(ValueError, match="qos"):
        a.client.subscribe("t", qos)
    assert a.transport.sent == b""


def test_where_it_is_left_out_asking_for_it_is_an_error(scripted):
    a = scripted(session=PacketIdSession())
    with pytest.raises(ValueError, match="qos"):
        a.client.publish("t", "m", qos=2)
    with pytest.raises(ValueError, match="qos"):
        a.client.subscribe("t", 2)
    assert a.transport.sent == b""
    a.transport.feed(wire.publish(b"t", b"m", 2, 7))
    with pytest.raises(MQTTException, match="QoS|6"):
        a.client.check_msg()


def test_after_a_lost_connack_a_message_of_the_new_session_is_no_repetition(app):
    a = app(session=MemorySession())
    a.connect(clean_session=False)
    broker = a.transport
    broker.deliver("t", "old", qos=2)
    a.client.check_msg()  # PUBREC is out, and here it is known that it has come
    broker.forget()
    broker._pid = 0
    broker.silent = True  # the CONNACK that says so does not arrive
    with pytest.raises(MQTTException):
        a.client.connect(False)
    broker.silent = False
    broker._resumable = True  # the session that this CONNECT began
    a.connect(clean_session=False)
    broker.deliver("t", "new", qos=2)
    a.drain()
    assert [m[1] for m in a.messages] == [b"old", b"new"]


# --- An identifier that is used again, or a repetition without DUP [4.3.3] -----------------------------


def reconnect(a, present=1):
    a.client.disconnect()
    a.transport.feed(wire.connack(present))
    a.client.connect(False)
    a.forget_sent()


@pytest.mark.parametrize("dup", [False, True])
@pytest.mark.parametrize("cut", [False, True], ids=["same connection", "after a cut"])
def test_another_message_with_an_identifier_that_is_still_remembered_is_delivered(a, cut, dup):
    a.transport.feed(wire.publish(b"t", b"one", 2, 7))
    a.drain()
    if cut:
        reconnect(a)
    for topic, payload in [(b"t", b"two"), (b"other", b"two"), (b"other", b"two"), (b"other", b"")]:
        a.transport.feed(wire.publish(topic, payload, 2, 7, dup=dup))
    a.drain()
    assert [m[:2] for m in a.messages] == [(b"t", b"one"), (b"t", b"two"), (b"other", b"two"), (b"other", b"")]
    assert a.transport.sent.endswith(wire.ack(PUBREC, 7) * 4)


@pytest.mark.parametrize("dup", [False, True])
def test_a_repetition_is_not_delivered_with_dup_or_without(a, dup):
    a.transport.feed(wire.publish(b"t", b"m", 2, 7))
    a.drain()
    reconnect(a)
    a.transport.feed(wire.publish(b"t", b"m", 2, 7, dup=dup))
    a.drain()
    assert len(a.messages) == 1
    assert a.transport.sent == wire.ack(PUBREC, 7)


def test_a_broker_that_never_releases_does_not_fill_the_memory(a):
    for pid in range(1, 1001):
        a.transport.feed(wire.publish(b"t", b"%d" % pid, 2, pid))
        a.drain()
    assert len(a.messages) == 1000
    assert len(a.client.session.received) <= 100


# --- A callback that ends the connection, or begins another one ----------------------------------------


@pytest.mark.parametrize("how", ["disconnect", "connect", "both"])
@pytest.mark.parametrize("session", [QoS2Session, MemorySession])
@pytest.mark.parametrize("make", [None, Robust])
def test_a_message_whose_callback_connects_anew_is_given_once(app, make, session, how):
    if make:
        session = MemorySession
    a = app(session=session(), **({"make": make} if make else {}))
    c = a.client

    def on_message(*args):
        a.messages.append(args)
        if len(a.messages) == 1:
            if how != "connect":
                c.disconnect()
            if how != "disconnect":
                c.connect(False)

    c.set_callback(on_message)
    c.connect(False)
    c.subscribe("cmd", 2)
    a.drain()
    a.transport.deliver("cmd", "open the door", qos=2)
    for _ in range(400):
        try:
            c.check_msg()
        except MQTTException:
            c.connect(False)
        a.clock.advance(20)
    assert [m[:2] for m in a.messages] == [(b"cmd", b"open the door")]
    assert a.transport.acknowledged == [1]


@pytest.mark.parametrize("make", [QoS2Session, MemorySession])
def test_a_session_that_was_asked_to_be_clean_is_new_when_its_connack_was_lost(app, make):
    a = app(session=make())
    a.connect(clean_session=False)
    broker = a.transport
    broker.deliver("t", "same", qos=2)
    a.client.check_msg()
    feed = broker.feed
    broker.feed = lambda data: None
    with pytest.raises(MQTTException):
        a.client.connect(True)  # the broker has begun a new session; its CONNACK is lost
    broker.feed = feed
    broker._pid = 0
    a.connect(clean_session=False)
    broker.deliver("t", "same", qos=2)
    a.drain()
    assert [m[1] for m in a.messages] == [b"same", b"same"]
