"""MQTT 5: CONNECT, byte for byte, and what CONNACK asks for [3.1, 3.2]."""

from __future__ import annotations

import pytest

from tests.unit import wire5
from tests.unit.program import App
from umqtt2 import MQTTException, errno
from umqtt2.session.memory import MemorySession
from umqtt2.testing import FakeTransport
from umqtt2.v5 import V5, Topic

CONNACK = wire5.connack()


def sent(clean_session=True, will=(), five=None, **options):
    """What a client that was made with these options sends to connect."""
    app = App(FakeTransport(CONNACK), packets=five or V5(largest=0), **options)
    if will:
        app.client.set_last_will(*will)
    app.client.connect(clean_session)
    return bytes(app.transport.sent)


def connect(flags: int, payload: bytes, keepalive: bytes = b"\0\0", properties: bytes = b"") -> bytes:
    head = b"\0\x04MQTT\x05" + bytes([flags]) + keepalive + bytes([len(properties)]) + properties
    return wire5.packet(0x10, head + payload)


@pytest.mark.mqtt5("MQTT-2.2.2-1", "MQTT-3.1.0-1", "MQTT-3.1.2-1", "MQTT-3.1.3-3")
def test_connect_is_all_that_is_sent_first():
    assert sent() == b"\x10\x0f\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x02id"


@pytest.mark.mqtt5("MQTT-3.1.0-1")
def test_nothing_is_sent_before_connect():
    app = App(FakeTransport(CONNACK), packets=V5(largest=0), session=MemorySession())
    for call in (
        lambda: app.client.publish("t", "m"),
        lambda: app.client.publish("t", "m", qos=1),
        lambda: app.client.subscribe("t"),
        lambda: app.client.unsubscribe("t"),
        app.client.ping,
        app.client.check_msg,
    ):
        with pytest.raises(MQTTException):
            call()
    app.client.disconnect()
    assert app.transport.sent == b""
    app.client.session.add(0x32, b"t", b"m", 0, 100)  # what a store has kept
    app.client.connect()
    app.drain()
    first, publish = wire5.parse_all(bytes(app.transport.sent))
    assert (first["first"], publish["first"]) == (0x10, 0x32)


@pytest.mark.mqtt5("MQTT-3.1.3-3")
def test_an_empty_client_identifier_is_there_too():
    assert sent(client_id="") == connect(0x02, b"\0\0")


@pytest.mark.mqtt5("MQTT-3.1.2-9", "MQTT-3.1.2-12", "MQTT-2.2.2-1")
@pytest.mark.parametrize(
    "retain, qos, flags",
    [(False, 0, 0x04), (False, 1, 0x0C), (False, 2, 0x14), (True, 0, 0x24), (True, 1, 0x2C), (True, 2, 0x34)],
)
def test_a_will_has_its_flags_its_properties_its_topic_and_its_payload(retain, qos, flags):
    fields = b"\0\x02id" b"\0" b"\0\x04w/ll" b"\0\x02\x00\xff"
    assert sent(will=("w/ll", b"\0\xff", retain, qos)) == connect(0x02 | flags, fields)
    fields = b"\0\x02id" b"\5\x18\0\0\0\x1e" b"\0\x04w/ll" b"\0\x02\x00\xff"
    assert sent(will=(Topic("w/ll", delay=30), b"\0\xff", retain, qos)) == connect(0x02 | flags, fields)


@pytest.mark.mqtt5("MQTT-3.1.2-9")
def test_an_empty_payload_of_a_will_is_there_too():
    assert sent(will=("w", b"")) == connect(0x06, b"\0\x02id" b"\0" b"\0\x01w" b"\0\0")


@pytest.mark.mqtt5("MQTT-3.1.2-12")
@pytest.mark.parametrize("qos", [-1, 3, 4])
def test_a_will_with_another_qos_is_a_value_error(qos):
    with pytest.raises(ValueError):
        sent(will=("w", "m", False, qos))


@pytest.mark.mqtt5("MQTT-3.1.2-11", "MQTT-3.1.2-13")
def test_without_a_will_there_is_nothing_of_it():
    assert sent(user="u", password="p") == connect(0xC2, b"\0\x02id" b"\0\x01u" b"\0\x01p")


@pytest.mark.mqtt5("MQTT-3.1.2-16", "MQTT-3.1.2-18")
def test_without_a_user_there_is_nothing_of_it():
    assert sent(will=("w", "m")) == connect(0x06, b"\0\x02id" b"\0" b"\0\x01w" b"\0\x01m")


@pytest.mark.mqtt5("MQTT-3.1.2-17", "MQTT-3.1.2-18")
@pytest.mark.parametrize("user, field", [("u", b"\0\x01u"), ("", b"\0\0")])
def test_a_user_without_a_password(user, field):
    assert sent(user=user) == connect(0x82, b"\0\x02id" + field)


@pytest.mark.mqtt5("MQTT-3.1.2-16", "MQTT-3.1.2-19")
@pytest.mark.parametrize("password, field", [("p", b"\0\x01p"), (b"\0\xff", b"\0\x02\0\xff"), ("", b"\0\0")])
def test_a_password_without_a_user(password, field):
    assert sent(password=password) == connect(0x42, b"\0\x02id" + field)


@pytest.mark.mqtt5("MQTT-3.1.3-1")
def test_the_order_of_the_fields():
    will = (Topic("3", content="2"), "4", True, 2)
    assert sent(client_id="1", will=will, user="5", password="6") == connect(
        0xF6, b"\0\x011" b"\x04\x03\0\x012" b"\0\x013" b"\0\x014" b"\0\x015" b"\0\x016"
    )


@pytest.mark.mqtt5("MQTT-3.1.3-2")
@pytest.mark.parametrize("asked", ["mine", ""])
def test_every_connection_of_a_client_has_its_identifier(scripted5, asked):
    app = scripted5(connack=wire5.connack(pairs=[] if asked else [(0x12, b"auto")]), client_id=asked)
    for present in (0, 1):
        app.client.disconnect()
        app.forget_sent()
        app.transport.feed(wire5.connack(present=present))
        app.client.connect(False)
        (packet,) = wire5.parse_all(bytes(app.transport.sent))
        assert packet["client_id"] == (asked.encode() or b"auto")


@pytest.mark.mqtt5("MQTT-3.1.2-20")
def test_a_quiet_client_pings_within_the_keepalive(scripted5):
    app = scripted5(keepalive=10)
    last = 0
    pings = []
    for second in range(1, 101):
        app.clock.advance(1000)
        app.client.check_msg()
        if app.transport.sent:
            assert app.transport.sent == b"\xc0\0"
            app.forget_sent()
            app.transport.feed(b"\xd0\0")
            pings.append(second - last)
            last = second
    assert pings and max(pings) <= 10


@pytest.mark.mqtt5("MQTT-3.1.2-21", "MQTT-3.2.2-21")
@pytest.mark.parametrize("own, theirs", [(0, 4), (60, 4), (4, 60), (4, 0)])
def test_the_keepalive_of_the_broker_is_kept(scripted5, own, theirs):
    app = scripted5(keepalive=own, connack=wire5.connack(pairs=[(0x13, theirs)]))
    pings = []
    for second in range(1, 121):
        app.clock.advance(1000)
        app.client.check_msg()
        if app.transport.sent:
            assert app.transport.sent == b"\xc0\0"
            app.forget_sent()
            app.transport.feed(b"\xd0\0")
            pings.append(second)
    if theirs:
        times = [0, *pings, 120]
        assert max(b - a for a, b in zip(times, times[1:])) <= theirs
        assert len(pings) <= 120 // (theirs // 2)
    else:
        assert not pings
    # The next connection begins with the client's own.
    app.client.disconnect()
    app.forget_sent()
    app.transport.feed(CONNACK)
    app.client.connect()
    (connect,) = wire5.parse_all(bytes(app.transport.sent))
    assert connect["keepalive"] == own


@pytest.mark.mqtt5("MQTT-3.2.2-4")
def test_a_session_that_was_not_asked_for_ends_the_connection():
    app = App(FakeTransport(wire5.connack(present=1)), packets=V5(largest=0))
    with pytest.raises(MQTTException) as caught:
        app.client.connect(True)
    assert caught.value.args == (errno.ERESPONSE, 0x82)
    assert not app.transport.is_open
    assert app.transport.sent.endswith(b"\xe0\x01\x82")


@pytest.mark.mqtt5("MQTT-4.13.2-1")
@pytest.mark.parametrize("code", [0x80, 0x81, 0x84, 0x86, 0x87, 0x8A, 0x97, 0x9C, 0x9F])
def test_a_refusal_closes_the_connection(code):
    app = App(FakeTransport(wire5.connack(code)), packets=V5(largest=0))
    with pytest.raises(MQTTException) as caught:
        app.client.connect()
    assert caught.value.args[1] == code
    assert not app.transport.is_open


@pytest.mark.mqtt5("MQTT-4.13.2-1")
@pytest.mark.parametrize("code", [0x00, 0x81, 0x87, 0x8B, 0x8D, 0x8E, 0x93, 0x97, 0x9C, 0xA2])
def test_a_disconnect_of_the_broker_closes_the_connection(scripted5, code):
    app = scripted5(wire5.disconnect(code))
    with pytest.raises(MQTTException) as caught:
        app.drain()
    assert caught.value.args == (errno.ECONCLOSE, code)
    assert not app.transport.is_open
    assert app.transport.sent == b""
