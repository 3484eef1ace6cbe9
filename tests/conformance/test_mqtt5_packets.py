"""MQTT 5: the packets besides CONNECT, byte for byte [2, 3]."""

from __future__ import annotations

import pytest

from tests.unit import wire5
from umqtt2 import MQTTException, errno
from umqtt2.v5 import V5, Options, Topic

CONNACK = wire5.connack()
BODIES = {  # for the first byte of each packet that a broker sends besides PUBLISH
    0x20: b"\0\0\0",  # CONNACK
    0x40: b"\0\x01",  # PUBACK
    0x50: b"\0\x01",  # PUBREC
    0x62: b"\0\x01",  # PUBREL
    0x70: b"\0\x01",  # PUBCOMP
    0x90: b"\0\x01\0\0",  # SUBACK
    0xB0: b"\0\x01\0\0",  # UNSUBACK
    0xD0: b"",  # PINGRESP
    0xE0: b"",  # DISCONNECT
    0xF0: b"\x18\0",  # AUTH
}


@pytest.mark.mqtt5(
    "MQTT-2.1.3-1", "MQTT-2.2.1-2", "MQTT-2.2.2-1", "MQTT-3.8.1-1", "MQTT-3.8.3-2", "MQTT-3.8.3-5", "MQTT-3.10.1-1",
    "MQTT-3.10.3-2", "MQTT-4.3.1-1",
)  # fmt: skip
@pytest.mark.parametrize(
    "call, packet",
    [
        (lambda c: c.publish("a/b", "m"), b"\x30\x07\x00\x03a/b\0m"),
        (lambda c: c.publish("a/b", ""), b"\x30\x06\x00\x03a/b\0"),
        (lambda c: c.publish("a/b", "m", retain=True), b"\x31\x07\x00\x03a/b\0m"),
        (lambda c: c.publish("a/b", "m", qos=1), b"\x32\x09\x00\x03a/b\x00\x01\0m"),
        (lambda c: c.publish("a/b", "m", retain=True, qos=2), b"\x35\x09\x00\x03a/b\x00\x01\0m"),
        (lambda c: c.subscribe("a/+"), b"\x82\x09\x00\x01\0\x00\x03a/+\x00"),
        (lambda c: c.subscribe("a/+", Options(1, True, True, 2)), b"\x82\x09\x00\x01\0\x00\x03a/+\x2d"),
        (lambda c: c.unsubscribe("a/+"), b"\xa2\x08\x00\x01\0\x00\x03a/+"),
        (lambda c: c.ping(), b"\xc0\x00"),
        (lambda c: c.disconnect(), b"\xe0\x00"),
    ],
)
def test_a_packet(scripted5, call, packet):
    app = scripted5()
    call(app.client)
    assert app.transport.sent == packet


@pytest.mark.mqtt5("MQTT-2.1.3-1", "MQTT-3.6.1-1", "MQTT-3.14.1-1", "MQTT-3.15.1-1")
@pytest.mark.parametrize("right", BODIES)
def test_a_packet_with_other_flags_ends_the_connection(ended5, right):
    for flags in {*range(16)} - {right & 15}:
        ended5(bytes([right & 0xF0 | flags, len(BODIES[right])]) + BODIES[right], 0x81)


@pytest.mark.mqtt5("MQTT-2.1.3-1", "MQTT-3.6.1-1", "MQTT-2.2.1-5", "MQTT-3.6.2-1", "MQTT-4.3.3-4")
def test_a_pubrel_has_its_flags_and_its_identifier(scripted5):
    app = scripted5()
    app.client.publish("t", "m")
    pid = app.client.publish("t", "m", qos=2)
    app.forget_sent()
    app.transport.feed(wire5.ack(0x50, pid, 0, [(0x1F, b"why")]))
    app.drain()
    assert app.transport.sent == b"\x62\x02" + pid.to_bytes(2, "big")


@pytest.mark.mqtt5(
    "MQTT-2.2.1-5", "MQTT-3.4.2-1", "MQTT-3.4.2-2", "MQTT-3.4.2-3", "MQTT-3.5.2-1", "MQTT-3.5.2-2", "MQTT-3.5.2-3",
    "MQTT-3.6.2-1", "MQTT-3.6.2-2", "MQTT-3.6.2-3", "MQTT-3.7.2-1", "MQTT-3.7.2-2", "MQTT-3.7.2-3",
    "MQTT-4.3.3-9",
)  # fmt: skip
@pytest.mark.parametrize("wanted", [True, False])
def test_acknowledgements_are_an_identifier_and_nothing_else(scripted5, wanted):
    # Without a reason code they say 0, and they have no properties; also for what the client does not want.
    app = scripted5(connack=wire5.connack(pairs=[(0x27, 16)]), max_packet=8192 if wanted else 50)
    app.transport.feed(wire5.publish(b"t", bytes(100), 7, 1) + wire5.publish(b"t", bytes(100), 0x1234, 2))
    app.drain()
    assert app.transport.sent == b"\x40\2\0\7" b"\x50\2\x12\x34"
    app.forget_sent()
    app.transport.feed(wire5.ack(0x62, 0x1234) + wire5.ack(0x62, 0x5678, 0x92))
    app.drain()
    assert app.transport.sent == b"\x70\2\x12\x34" b"\x70\2\x56\x78"
    app.forget_sent()
    app.client.publish("t", "m", qos=2)
    app.transport.feed(wire5.ack(0x50, 1))
    app.drain()
    assert app.transport.sent.endswith(b"\x62\2\0\1")


@pytest.mark.mqtt5("MQTT-3.3.1-2", "MQTT-4.3.1-1")
def test_dup_is_never_set_at_qos_0(scripted5):
    app = scripted5()
    app.client.publish("t", "m", dup=True)
    app.client.publish("t", "m", True, 0, True)
    assert app.transport.sent == b"\x30\x05\x00\x01t\0m" b"\x31\x05\x00\x01t\0m"


@pytest.mark.mqtt5("MQTT-3.3.1-2")
def test_a_message_at_qos_0_with_dup_is_taken(scripted5):
    app = scripted5(b"\x38\x05\x00\x01t\0m")
    app.drain()
    assert app.messages == [(b"t", b"m", False, True)]


@pytest.mark.mqtt5("MQTT-3.3.1-3")
def test_dup_of_a_message_that_came_is_not_taken_over(scripted5):
    app = scripted5(wire5.publish(b"t", b"m", 7, 1, [(9, b"42")], flags=8))
    app.client.set_callback(lambda topic, msg, *_: app.client.publish("other", msg, qos=1))
    app.drain()
    publish, _ = wire5.parse_all(bytes(app.transport.sent))
    assert publish["first"] == 0x32


@pytest.mark.mqtt5("MQTT-3.3.1-4")
@pytest.mark.parametrize("first", [0x36, 0x37, 0x3E, 0x3F])
def test_a_message_at_qos_3_ends_the_connection(ended5, first):
    assert ended5(bytes([first]) + b"\x07\x00\x01t\x00\x01\0m", 0x81).messages == []


@pytest.mark.mqtt5("MQTT-3.3.1-4")
def test_nobody_publishes_at_qos_3(scripted5):
    app = scripted5()
    for call in (app.client.publish, app.client.set_last_will):
        with pytest.raises(ValueError):
            call("t", "m", False, 3)
    assert app.transport.sent == b""


@pytest.mark.mqtt5("MQTT-3.3.2-2", "MQTT-3.3.2-14", "MQTT-4.7.0-1", "MQTT-4.7.3-1")
@pytest.mark.parametrize("topic", ["+", "#", "a/+/b", "a/#", "a+", b"a#", "", b""])
def test_a_topic_that_nobody_may_publish_to_is_a_value_error(scripted5, topic):
    app = scripted5()
    for call in (
        lambda: app.client.publish(topic, "m"),
        lambda: app.client.publish(topic, "m", qos=1),
        lambda: app.client.set_last_will(topic, "m"),
        lambda: Topic(topic, expiry=1),
        lambda: Topic("t", response=topic),
    ):
        with pytest.raises(ValueError):
            call()
    assert app.transport.sent == b""


@pytest.mark.mqtt5("MQTT-4.7.1-1", "MQTT-4.7.1-2", "MQTT-4.7.3-1")
@pytest.mark.parametrize("topic", ["a#", "#a", "a/#/b", "#/", "a+", "+a/b", "a/b+", "++", "", b"", "$share/g/a#"])
def test_a_filter_that_mqtt_forbids_is_a_value_error(scripted5, topic):
    app = scripted5()
    for call in (app.client.subscribe, app.client.unsubscribe):
        with pytest.raises(ValueError):
            call(topic)
    assert app.transport.sent == b""


@pytest.mark.mqtt5("MQTT-3.8.3-2", "MQTT-3.10.3-2")
@pytest.mark.parametrize("topic", ["#", "/#", "a/#", "+", "+/+", "a/+/b", "/+", "+/#", "+/", "$SYS/#", "$share/g/+"])
def test_a_filter_that_mqtt_allows_is_sent_alone(scripted5, topic):
    app = scripted5()
    app.client.subscribe(topic)
    app.client.unsubscribe(topic)
    n = len(topic)
    name = bytes([0, n]) + topic.encode()
    assert app.transport.sent == (
        bytes([0x82, n + 6]) + b"\0\x01\0" + name + b"\0" + bytes([0xA2, n + 5]) + b"\0\x02\0" + name
    )


@pytest.mark.mqtt5("MQTT-3.8.3-5")
def test_options_have_no_bits_that_mqtt_does_not_know(scripted5):
    app = scripted5()
    for identifier in (0, 1, 2, 3, 1000):
        for qos in (0, 1, 2):
            for flags in range(4):
                for retained in (0, 1, 2):
                    options = Options(qos, bool(flags & 1), bool(flags & 2), retained, identifier)
                    app.client.subscribe("t", options)
    packets = wire5.parse_all(bytes(app.transport.sent))
    assert len(packets) == 180
    assert all(p["options"] < 0x30 and p["options"] & 3 < 3 for p in packets)
    app.forget_sent()
    for options in (3, 0x30, 0x33, 1 << 16, -1):
        with pytest.raises(ValueError):
            app.client.subscribe("t", options)
    assert app.transport.sent == b""


@pytest.mark.mqtt5("MQTT-3.8.3-4", "MQTT-4.8.2-1", "MQTT-4.8.2-2")
@pytest.mark.parametrize(
    "topic", ["$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#/a", "$share/g+/a", "$share/#"]
)
def test_a_shared_subscription_needs_a_name_and_a_filter(scripted5, topic):
    app = scripted5()
    for call in (app.client.subscribe, app.client.unsubscribe):
        with pytest.raises(ValueError):
            call(topic)
    with pytest.raises(ValueError):
        app.client.subscribe("$share/g/a", Options(no_local=True))
    assert app.transport.sent == b""
    app.client.subscribe("$share/g/a/#", Options(1, as_published=True))
    assert app.transport.sent.endswith(b"\0\x0c$share/g/a/#\x09")


@pytest.mark.mqtt5("MQTT-3.3.4-6")
def test_a_subscription_identifier_is_not_published(scripted5):
    app = scripted5(wire5.publish(b"t", b"m", pairs=[(8, b"r"), (9, b"42"), (0x0B, 7), (0x0B, 8)]))
    app.client.subscribe("t", Options(identifier=7))
    app.forget_sent()
    app.client.set_callback(lambda *_: app.client.publish(app.five.reply(), "answer"))
    app.drain()
    (publish,) = wire5.parse_all(bytes(app.transport.sent))
    assert publish["properties"] == [(9, b"42")]


@pytest.mark.mqtt5("MQTT-3.3.2-10", "MQTT-3.3.2-8")
@pytest.mark.parametrize("alias", [0, 1, 65535])
def test_no_alias_is_offered_and_so_none_is_taken(ended5, alias):
    assert ended5(wire5.publish(b"t", b"m", pairs=[(0x23, alias)]), 0x82).messages == []


@pytest.mark.mqtt5("MQTT-3.14.2-1", "MQTT-3.14.2-3", "MQTT-3.14.2-4")
def test_a_disconnect_has_a_reason_and_no_text(scripted5):
    small = wire5.connack(pairs=[(0x27, 16)])
    for reason, expiry, packet in ((0, None, b"\xe0\1\0"), (4, 0, b"\xe0\7\4\5\x11\0\0\0\0")):
        app = scripted5(connack=small, five=V5(expiry=60, largest=0))
        app.five.disconnect(app.client, reason, expiry)
        assert app.transport.sent == packet
    for data, code in ((b"\xf1\0", 0x81), (b"\xf0\0", 0x82), (wire5.publish(b"t", b"m", pairs=[(0x23, 1)]), 0x82)):
        app = scripted5(data, connack=small)
        with pytest.raises(MQTTException):
            app.drain()
        assert app.transport.sent == bytes([0xE0, 1, code])


@pytest.mark.mqtt5("MQTT-4.12.0-7")
@pytest.mark.parametrize("body", [b"", b"\x18\0", b"\x18\4\x15\0\1x", b"\0\0"])
def test_the_broker_s_auth_is_answered_with_disconnect(ended5, body):
    ended5(wire5.packet(0xF0, body), 0x82)


@pytest.mark.mqtt5("MQTT-4.12.0-7")
def test_authentication_in_a_connack_is_answered_with_disconnect():
    from tests.unit.program import App
    from umqtt2.testing import FakeTransport

    app = App(FakeTransport(wire5.connack(pairs=[(0x15, b"method")])), packets=V5(largest=0))
    with pytest.raises(MQTTException) as caught:
        app.client.connect()
    assert caught.value.args == (errno.ERESPONSE, 0x82)
    connect, disconnect = wire5.parse_all(bytes(app.transport.sent))
    assert 0x15 not in dict(connect["properties"]) and disconnect["code"] == 0x82
