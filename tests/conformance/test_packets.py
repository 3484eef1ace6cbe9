"""The other packets, byte for byte [2, 3]."""

from __future__ import annotations

import pytest

BODIES = {  # for the first byte of each packet that a broker sends besides PUBLISH
    0x20: b"\0\0",  # CONNACK
    0x40: b"\0\x01",  # PUBACK
    0x50: b"\0\x01",  # PUBREC
    0x62: b"\0\x01",  # PUBREL
    0x70: b"\0\x01",  # PUBCOMP
    0x90: b"\0\x01\0",  # SUBACK
    0xB0: b"\0\x01",  # UNSUBACK
    0xD0: b"",  # PINGRESP
}


@pytest.mark.mqtt("MQTT-2.2.2-1", "MQTT-2.3.1-5", "MQTT-3.8.1-1", "MQTT-3.10.1-1", "MQTT-4.3.1-1")
@pytest.mark.parametrize(
    "call, packet",
    [
        (lambda c: c.publish("a/b", "m"), b"\x30\x06\x00\x03a/bm"),
        (lambda c: c.publish("a/b", ""), b"\x30\x05\x00\x03a/b"),
        (lambda c: c.publish("a/b", "m", retain=True), b"\x31\x06\x00\x03a/bm"),
        (lambda c: c.publish("a/b", "m", qos=1), b"\x32\x08\x00\x03a/b\x00\x01m"),
        (lambda c: c.publish("a/b", "m", retain=True, qos=1), b"\x33\x08\x00\x03a/b\x00\x01m"),
        (lambda c: c.subscribe("a/+"), b"\x82\x08\x00\x01\x00\x03a/+\x00"),
        (lambda c: c.subscribe("a/+", 1), b"\x82\x08\x00\x01\x00\x03a/+\x01"),
        (lambda c: c.unsubscribe("a/+"), b"\xa2\x07\x00\x01\x00\x03a/+"),
        (lambda c: c.ping(), b"\xc0\x00"),
        (lambda c: c.disconnect(), b"\xe0\x00"),
    ],
)
def test_a_packet(scripted, call, packet):
    app = scripted()
    call(app.client)
    assert app.transport.sent == packet


@pytest.mark.mqtt("MQTT-2.2.2-1", "MQTT-2.2.2-2", "MQTT-3.6.1-1", "MQTT-4.8.0-1")
@pytest.mark.parametrize("right", BODIES)
def test_a_packet_with_other_flags_ends_the_connection(ended, right):
    for flags in {*range(16)} - {right & 15}:
        ended(bytes([right & 0xF0 | flags, len(BODIES[right])]) + BODIES[right])


@pytest.mark.mqtt("MQTT-3.3.1-2", "MQTT-4.3.1-1")
def test_dup_is_never_set_at_qos_0(scripted):
    app = scripted()
    app.client.publish("t", "m", dup=True)
    app.client.publish("t", "m", True, 0, True)
    assert app.transport.sent == b"\x30\x04\x00\x01tm" b"\x31\x04\x00\x01tm"


@pytest.mark.mqtt("MQTT-3.3.1-2")
def test_a_message_at_qos_0_with_dup_is_taken(scripted):
    app = scripted(b"\x38\x04\x00\x01tm")
    app.drain()
    assert app.messages == [(b"t", b"m", False, True)]


@pytest.mark.mqtt("MQTT-3.3.1-4", "MQTT-4.8.0-1")
@pytest.mark.parametrize("first", [0x36, 0x37, 0x3E, 0x3F])
def test_a_message_at_qos_3_ends_the_connection(ended, first):
    assert ended(bytes([first]) + b"\x06\x00\x01t\x00\x01m").messages == []


@pytest.mark.mqtt("MQTT-3.3.1-4")
def test_nobody_publishes_at_qos_3(scripted):
    app = scripted()
    with pytest.raises(ValueError):
        app.client.publish("t", "m", qos=3)
    assert app.transport.sent == b""


@pytest.mark.mqtt("MQTT-3.3.2-2", "MQTT-4.7.1-1", "MQTT-4.7.3-1", "MQTT-4.7.3-2")
@pytest.mark.parametrize("topic", ["+", "#", "a/+/b", "a/#", "a+", b"a#", "", b"", "a\0b", b"\0"])
def test_a_topic_that_nobody_may_publish_to_is_a_value_error(scripted, topic):
    app = scripted()
    for qos in (0, 1):
        with pytest.raises(ValueError):
            app.client.publish(topic, "m", qos=qos)
    with pytest.raises(ValueError):
        app.client.set_last_will(topic, "m")
    assert app.transport.sent == b""


@pytest.mark.mqtt("MQTT-4.7.1-2", "MQTT-4.7.1-3", "MQTT-4.7.3-1", "MQTT-4.7.3-2")
@pytest.mark.parametrize("topic", ["a#", "#a", "a/#/b", "#/", "a+", "+a/b", "a/b+", "++", "", "a\0", b"\0"])
def test_a_filter_that_mqtt_forbids_is_a_value_error(scripted, topic):
    app = scripted()
    for call in (app.client.subscribe, app.client.unsubscribe):
        with pytest.raises(ValueError):
            call(topic)
    assert app.transport.sent == b""


@pytest.mark.mqtt("MQTT-4.7.1-2", "MQTT-4.7.1-3", "MQTT-3.8.3-3", "MQTT-3.10.3-2")
@pytest.mark.parametrize("topic", ["#", "/#", "a/#", "+", "+/+", "a/+/b", "/+", "+/#", "+/", "$SYS/#"])
def test_a_filter_that_mqtt_allows_is_sent_alone(scripted, topic):
    app = scripted()
    app.client.subscribe(topic)
    app.client.unsubscribe(topic)
    n = len(topic)
    name = bytes([0, n]) + topic.encode()
    assert app.transport.sent == (
        bytes([0x82, n + 5]) + b"\0\x01" + name + b"\0" + bytes([0xA2, n + 4]) + b"\0\x02" + name
    )
