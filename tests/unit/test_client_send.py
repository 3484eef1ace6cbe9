"""publish, subscribe, unsubscribe, ping: what leaves, and how."""

from __future__ import annotations

import pytest
import wire
from hypothesis import given, settings
from hypothesis import strategies as st
from program import App

from umqtt2 import MQTTException, errno
from umqtt2.testing import FakeBroker


@pytest.mark.parametrize("topic", ["sensor/é", "sensor/é".encode()])
@pytest.mark.parametrize(
    "msg, payload",
    [
        ("21.5 °C", "21.5 °C".encode()),
        (b"\0\xff", b"\0\xff"),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abc")[1:], b"bc"),
        ("", b""),
        (b"x" * 20_000, b"x" * 20_000),
    ],
)
def test_publish_at_qos_0(connected, topic, msg, payload):
    assert connected.client.publish(topic, msg) is None
    assert connected.transport.published == [("sensor/é".encode(), payload, 0, False)]


def test_publish_at_qos_1(connected):
    pid = connected.client.publish("t", "m", retain=True, qos=1)
    connected.drain()
    assert connected.transport.published == [(b"t", b"m", 1, True)]
    assert connected.statuses == [(pid, errno.SDELIVERED)]


@pytest.mark.mqtt("MQTT-3.3.1-2")
def test_dup_is_for_qos_1(scripted):
    a = scripted()
    a.client.publish("t", "m", qos=1, dup=True)
    a.client.publish("t", "m", qos=0, dup=True)
    assert [p["dup"] for p in wire.parse_all(bytes(a.transport.sent))] == [True, False]


@pytest.mark.parametrize("size", range(0, 140, 1))
def test_a_packet_of_up_to_128_bytes_leaves_in_one_write(connected, size):
    for call in (
        lambda: connected.client.publish("abc", b"x" * size),
        lambda: connected.client.publish("abc", b"x" * size, qos=1),
        lambda: connected.client.publish("t" * (size + 1), b"x"),
        lambda: connected.client.publish("t" * (size + 1), b"x", qos=1),
        lambda: connected.client.subscribe("t" * (size + 1)),
        lambda: connected.client.unsubscribe("t" * (size + 1)),
        connected.client.ping,
    ):
        connected.forget_sent()
        call()
        writes = connected.transport.writes
        if sum(map(len, writes)) <= 128:
            assert len(writes) == 1
        assert len(writes) <= 2


@given(
    st.integers(1, 300),
    st.integers(0, 600),
    st.integers(0, 1),
    st.lists(st.integers(0, 50), min_size=1, max_size=40),
)
@settings(max_examples=50)
def test_partial_writes_at_any_position(topic_size, size, qos, sizes):
    a = App(FakeBroker())
    a.connect()
    a.transport.write_sizes = iter(sizes)
    a.client.publish("t" * topic_size, b"p" * size, qos=qos)
    assert a.transport.published == [(b"t" * topic_size, b"p" * size, qos, False)]


@pytest.mark.parametrize("position", range(0, 30))
def test_a_write_that_stops_for_good_ends_the_connection(scripted, position):
    a = scripted(socket_timeout=2)
    a.transport.write_sizes = iter([position] + [0] * 100_000)
    if position >= 9:  # all of the packet
        a.client.publish("abc", b"xy")
        return
    with pytest.raises(MQTTException) as caught:
        a.client.publish("abc", b"xy")
    assert caught.value.args == (errno.ECONTIMEOUT,)
    assert 2000 <= a.clock.now < 2100
    assert not a.transport.is_open
    with pytest.raises(MQTTException) as caught:
        a.client.publish("abc", b"xy")
    assert caught.value.args == (errno.ECONNOT,)


def test_a_slow_connection_is_no_timeout(scripted):
    a = scripted(socket_timeout=2)
    a.transport.write_sizes = iter(([0] * 1500 + [1]) * 1000)
    a.client.publish("abc", b"x" * 20)
    assert a.clock.now > 20 * 1500
    assert wire.parse_all(bytes(a.transport.sent))[0]["payload"] == b"x" * 20


def test_a_failing_write_is_the_transports_error_and_leaves_nothing_in_flight(app):
    a = app()
    a.connect()
    a.transport.fail_write = OSError(104)
    with pytest.raises(OSError) as caught:
        a.client.publish("t", "m", qos=1)
    assert caught.value.args == (104,)
    a.client.connect(clean_session=False)
    a.clock.advance(60_000)
    a.drain()
    assert a.statuses == []


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.publish("a/+", "m"),
        lambda c: c.publish("", "m"),
        lambda c: c.publish("x" * 65536, "m"),
        lambda c: c.publish("t", "m", qos=3),
        lambda c: c.publish("t", "m", qos=-1),
        lambda c: c.subscribe("a/#/b"),
        lambda c: c.subscribe(""),
        lambda c: c.subscribe("t", 3),
        lambda c: c.unsubscribe("a#"),
    ],
)
def test_what_mqtt_or_this_client_cannot_do_is_a_value_error_and_sends_nothing(connected, call):
    with pytest.raises(ValueError):
        call(connected.client)
    assert connected.transport.sent == b""
    connected.client.publish("t", "m")


@pytest.mark.parametrize("msg", [None, 5, 1.5, ["a"], {}])
def test_a_payload_that_is_no_text_or_bytes_is_a_type_error_and_sends_nothing(connected, msg):
    with pytest.raises(TypeError):
        connected.client.publish("t", msg)
    with pytest.raises(TypeError):
        connected.client.publish("t", msg, qos=1)
    assert connected.transport.sent == b""
    connected.clock.advance(60_000)
    connected.drain()
    assert connected.statuses == []


def test_a_payload_that_mqtt_cannot_send(connected, mocker):
    mocker.patch("umqtt2.client.LONGEST", 1000)  # 268 MB are much for a test
    connected.client.publish("t", bytes(1000))
    connected.forget_sent()
    with pytest.raises(ValueError):
        connected.client.publish("t", bytes(1001))
    assert connected.transport.sent == b""


def test_subscribe_and_unsubscribe(connected):
    pid = connected.client.subscribe("a/#", 1)
    connected.drain()
    assert connected.transport.subscriptions == {b"a/#": 1}
    other = connected.client.unsubscribe(b"a/#")
    connected.drain()
    assert connected.transport.subscriptions == {}
    assert connected.statuses == [(pid, errno.SDELIVERED), (other, errno.SDELIVERED)]


def test_subscribing_needs_a_callback(app):
    a = app()
    a.client.set_callback(None)
    a.client.connect()
    with pytest.raises(ValueError):
        a.client.subscribe("t")


def test_a_refused_subscription_is_a_status_and_the_connection_lives(connected):
    connected.transport.refused.add(b"secret")
    pid = connected.client.subscribe("secret")
    other = connected.client.subscribe("open")
    connected.drain()
    assert connected.statuses == [(pid, errno.SFAILED), (other, errno.SDELIVERED)]


@pytest.mark.mqtt("MQTT-2.3.1-2")
def test_identifiers_in_flight_are_not_used_again(scripted):
    a = scripted(message_timeout=1000)
    held = a.client.publish("t", "m", qos=1)
    for _ in range(65534):
        pid = a.client.publish("t", "m", qos=1)
        assert pid != held
        a.transport.feed(wire.ack(0x40, pid))
        a.client.check_msg()
        a.forget_sent()
    assert a.client.publish("t", "m", qos=1) == held + 1


@pytest.mark.parametrize("topic", [None, 5, ["t"]])
def test_a_topic_that_is_no_text_is_a_type_error(connected, topic):
    for call in (
        lambda: connected.client.publish(topic, "m"),
        lambda: connected.client.subscribe(topic),
        lambda: connected.client.unsubscribe(topic),
        lambda: connected.client.set_last_will(topic, "m"),
    ):
        with pytest.raises(TypeError):
            call()
    assert connected.transport.sent == b""


def test_a_topic_in_a_buffer_is_checked_and_may_change_afterwards(connected):
    with pytest.raises(ValueError):
        connected.client.publish(memoryview(b"a/+"), "m")
    connected.client.subscribe(memoryview(b"a/+"))
    topic = bytearray(b"one")
    connected.client.publish(topic, "m")
    other = bytearray(b"two")
    connected.client.publish(other, "m")
    assert [p[0] for p in connected.transport.published] == [b"one", b"two"]


def test_the_same_topic_again(connected):
    for topic in ("a", "a", "b", "a", b"a", "a"):
        connected.client.publish(topic, "m")
    assert b"".join(p[0] for p in connected.transport.published) == b"aabaaa"


def test_subscribing_with_no_qos_is_qos_0(scripted):
    a = scripted()
    a.client.subscribe("t", None)
    assert wire.parse_all(bytes(a.transport.sent))[0]["qos"] == 0
