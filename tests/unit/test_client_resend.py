"""A session store that keeps messages: they are sent again after a reconnect [4.4]."""

from __future__ import annotations

import pytest
import wire

from umqtt2 import MQTTException, errno
from umqtt2.session.memory import MemorySession

PUBACK, PUBREC, PUBREL, PUBCOMP = 0x40, 0x50, 0x62, 0x70


@pytest.fixture
def a(scripted):
    return scripted(session=MemorySession())


def reconnect(a, present=1, clean=False):
    a.transport.feed(wire.connack(present))
    a.client.connect(clean)
    a.forget_sent()
    a.client.check_msg()
    return bytes(a.transport.sent)


@pytest.mark.mqtt("MQTT-2.3.1-3", "MQTT-3.3.1-1", "MQTT-4.4.0-1", "MQTT-4.6.0-1")
def test_in_the_original_order_with_dup_and_the_same_identifiers(a):
    for i in range(3):
        assert a.client.publish(f"t{i}", b"m", bool(i), qos=1 + i % 2) == i + 1
    assert reconnect(a) == (
        wire.publish(b"t0", b"m", 1, 1, dup=True)
        + wire.publish(b"t1", b"m", 2, 2, dup=True, retain=True)
        + wire.publish(b"t2", b"m", 1, 3, dup=True, retain=True)
    )


def test_what_was_acknowledged_is_not_sent_again(a):
    for _ in range(3):
        a.client.publish("t", b"m", qos=1)
    a.transport.feed(wire.ack(PUBACK, 2))
    a.drain()
    assert a.statuses == [(2, errno.SDELIVERED)]
    assert reconnect(a) == wire.publish(b"t", b"m", 1, 1, dup=True) + wire.publish(
        b"t", b"m", 1, 3, dup=True
    )


@pytest.mark.mqtt("MQTT-4.3.3-1", "MQTT-4.4.0-1")
def test_pubrel_where_pubrec_had_come(a):
    a.client.publish("t", b"m", qos=2)
    a.transport.feed(wire.ack(PUBREC, 1))
    a.drain()
    assert reconnect(a) == wire.ack(PUBREL, 1)
    a.transport.feed(wire.ack(PUBCOMP, 1))
    a.drain()
    assert a.statuses == [(1, errno.SDELIVERED)]
    assert reconnect(a) == b""


def test_a_broker_that_answers_before_it_is_asked_again(a):
    a.client.publish("t", b"m", qos=2)
    a.transport.feed(wire.connack(1) + wire.ack(PUBREC, 1))
    a.client.connect(False)
    a.forget_sent()
    a.drain()
    assert a.transport.sent == wire.ack(PUBREL, 1)
    a.transport.feed(wire.ack(PUBCOMP, 1))
    a.drain()
    assert a.statuses == [(1, errno.SDELIVERED)]


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.mqtt("MQTT-3.1.2-6")
def test_as_new_when_the_broker_has_not_kept_the_session(a, clean):
    a.client.publish("t", b"1", qos=1)
    a.client.publish("t", b"2", True, qos=2)
    a.transport.feed(wire.ack(PUBREC, 2))
    a.drain()
    assert reconnect(a, 0, clean) == wire.publish(b"t", b"1", 1, 1) + wire.publish(
        b"t", b"2", 2, 2, retain=True
    )


def test_subscriptions_are_renewed_when_the_broker_has_not_kept_the_session(app):
    a = app(session=MemorySession())
    a.connect(False)
    a.client.subscribe("one", 1)
    a.client.subscribe("two")
    a.client.subscribe("three")
    a.client.unsubscribe("three")
    a.drain()
    a.statuses.clear()
    a.transport.forget()
    a.transport.drop()
    with pytest.raises(MQTTException):
        a.drain()
    a.connect(False)
    a.drain()
    assert a.transport.subscriptions == {b"one": 1, b"two": 0}
    assert a.statuses == []


def test_a_renewal_that_is_refused_is_told(app):
    a = app(session=MemorySession())
    a.connect(False)
    a.client.subscribe("one", 1)
    a.drain()
    a.statuses.clear()
    a.transport.forget()
    a.transport.refused.add(b"one")
    a.client.disconnect()
    a.connect(False)
    a.drain()
    assert [status for _, status in a.statuses] == [errno.SFAILED]
    assert a.client.session.subscriptions == {}


def test_a_refused_subscription_is_not_renewed(app):
    a = app(session=MemorySession())
    a.connect(False)
    a.transport.refused.add(b"one")
    pid = a.client.subscribe("one", 1)
    a.drain()
    assert a.statuses == [(pid, errno.SFAILED)]
    assert a.client.session.subscriptions == {}


def test_a_subscription_in_flight_is_asked_for_again(a):
    a.client.subscribe("t", 1)
    a.client.unsubscribe("u")
    sent = bytes(a.transport.sent)
    assert reconnect(a) == sent
    assert reconnect(a, 0) == sent


def test_a_subscription_that_is_not_answered_times_out_and_is_forgotten(scripted):
    a = scripted(session=MemorySession(), message_timeout=2)
    pid = a.client.subscribe("t", 1)
    a.clock.advance(1999)
    a.client.check_msg()
    assert a.statuses == []
    a.clock.advance(1)
    a.client.check_msg()
    assert a.statuses == [(pid, errno.STIMEOUT)]
    assert reconnect(a, 0) == b""


@pytest.mark.mqtt("MQTT-4.1.0-1", "MQTT-4.3.2-1")
def test_a_message_that_is_kept_never_times_out(scripted):
    a = scripted(session=MemorySession(), message_timeout=2)
    a.client.publish("t", "m", qos=1)
    a.clock.advance(1 << 20)
    a.client.check_msg()
    assert a.statuses == []
    assert reconnect(a) == wire.publish(b"t", b"m", 1, 1, dup=True)


def test_new_messages_wait_for_those_that_are_older(scripted):
    a = scripted(session=MemorySession(limit=30))
    for i in range(20):
        a.client.publish("t", b"%d" % i, qos=1)
    a.transport.feed(wire.connack(1))
    a.client.connect(False)
    a.forget_sent()
    a.client.publish("t", b"20", qos=1)
    for _ in range(5):
        a.client.check_msg()
    expected = b"".join(wire.publish(b"t", b"%d" % i, 1, i + 1, dup=i < 20) for i in range(21))
    assert a.transport.sent == expected


def test_a_full_store_says_so_and_keeps_what_it_has(scripted):
    a = scripted(session=MemorySession(limit=2))
    a.client.publish("t", b"1", qos=1)
    a.client.publish("t", b"2", qos=2)
    a.forget_sent()
    with pytest.raises(MQTTException) as caught:
        a.client.publish("t", b"3", qos=1)
    assert caught.value.args[0] == errno.EFULL
    assert a.transport.sent == b""
    a.client.publish("t", b"qos 0 needs no room")
    a.client.subscribe("nor", 1)
    a.transport.feed(wire.ack(PUBACK, 1))
    a.drain()
    a.client.publish("t", b"3", qos=1)


def test_a_message_that_raises_was_not_taken(scripted):
    a = scripted(session=MemorySession())
    a.transport.fail_write = OSError(104)
    with pytest.raises(OSError):
        a.client.publish("t", b"m", qos=1)
    assert a.client.session.waiting() == 0
    assert reconnect(a) == b""
    a.client.disconnect()
    with pytest.raises(MQTTException):
        a.client.publish("t", b"m", qos=1)
    assert a.client.session.waiting() == 0


def test_the_program_may_change_its_buffer(scripted):
    a = scripted(session=MemorySession())
    payload = bytearray(b"before")
    a.client.publish("t", payload, qos=1)
    payload[:] = b"after!"
    assert reconnect(a) == wire.publish(b"t", b"before", 1, 1, dup=True)


def test_dup_is_only_for_what_was_sent(scripted):
    a = scripted(session=MemorySession(limit=30))
    for i in range(12):
        a.client.publish("t", b"%d" % i, qos=1)
    # Cut off again while sending again: the last ones were not sent in this session a second time,
    # but they were before.
    a.transport.feed(wire.connack(0))
    a.client.connect(False)
    a.transport.fail_write = OSError(104)
    with pytest.raises(OSError):
        a.client.check_msg()
    # The broker has kept nothing at first, so what it has not seen since is new.
    a.transport.feed(wire.connack(1))
    a.client.connect(False)
    a.forget_sent()
    for _ in range(3):
        a.client.check_msg()
    assert a.transport.sent == b"".join(wire.publish(b"t", b"%d" % i, 1, i + 1) for i in range(12))


def test_a_renewal_that_is_not_answered_is_asked_for_with_the_next_connection(scripted):
    a = scripted(session=MemorySession(), message_timeout=2)
    a.client.subscribe("t", 1)
    a.transport.feed(wire.suback(1, 1))
    a.drain()
    a.statuses.clear()
    sent = reconnect(a, 0)
    assert sent.startswith(b"\x82")
    a.clock.advance(5000)
    a.client.check_msg()
    assert a.statuses == []
    assert reconnect(a, 1)[:1] == b"\x82"


def test_a_subscribe_that_raises_leaves_the_one_that_waits(a):
    pid = a.client.subscribe("t", 1)
    a.transport.feed(wire.connack(1))
    a.client.connect(False)
    a.transport.fail_write = OSError(104)
    with pytest.raises(OSError):
        a.client.subscribe("t", 0)
    assert reconnect(a) == b"\x82\x06" + pid.to_bytes(2, "big") + b"\0\x01t\x01"
    a.transport.feed(wire.suback(pid, 1))
    a.drain()
    assert a.statuses == [(pid, errno.SDELIVERED)]
