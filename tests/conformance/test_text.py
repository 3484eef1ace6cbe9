"""Text is UTF-8, in both directions [1.5.3]."""

from __future__ import annotations

import pytest

from tests.unit import wire
from tests.unit.program import App
from umqtt2 import errno
from umqtt2.testing import FakeTransport

CONNACK = b"\x20\x02\x00\x00"

# Not UTF-8: a byte that never occurs, a continuation byte alone, half a character.
ILL_FORMED = [b"\xff", b"a\x80b", b"\xe2\x82"]
# Refused only by a strict decoder: a surrogate, a longer form than needed, more than U+10FFFF.
LAX = [b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"]


def message(topic: bytes) -> bytes:
    return bytes([0x30, len(topic) + 3, 0, len(topic)]) + topic + b"m"


@pytest.mark.mqtt(
    "MQTT-1.5.3-1", "MQTT-3.1.3-4", "MQTT-3.1.3-10", "MQTT-3.1.3-11", "MQTT-3.3.2-1", "MQTT-3.8.3-1",
    "MQTT-3.10.3-1",
)  # fmt: skip
def test_text_is_sent_as_its_utf8():
    app = App(FakeTransport(CONNACK), client_id="é", user="€", password="p")
    app.client.set_last_will("ü/𝄞", "w")
    app.client.connect()
    assert app.transport.sent == (
        b"\x10\x22\x00\x04MQTT\x04\xc6\x00\x00"
        b"\x00\x02\xc3\xa9"
        b"\x00\x07\xc3\xbc/\xf0\x9d\x84\x9e" b"\x00\x01w"
        b"\x00\x03\xe2\x82\xac" b"\x00\x01p"
    )  # fmt: skip
    app.forget_sent()
    app.client.publish("é", "m")
    app.client.subscribe("é/#")
    app.client.unsubscribe("é/#")
    assert app.transport.sent == (
        b"\x30\x05\x00\x02\xc3\xa9m\x82\x09\x00\x01\x00\x04\xc3\xa9/#\x00\xa2\x08\x00\x02\x00\x04\xc3\xa9/#"
    )


def is_refused_as_a_topic(app: App, text: object) -> None:
    for call in (
        lambda: app.client.publish(text, "m"),
        lambda: app.client.subscribe(text),
        lambda: app.client.unsubscribe(text),
        lambda: app.client.set_last_will(text, "m"),
    ):
        with pytest.raises(ValueError):
            call()
    assert app.transport.sent == b""


@pytest.mark.mqtt("MQTT-1.5.3-1", "MQTT-3.1.3-10", "MQTT-3.8.3-1", "MQTT-3.10.3-1")
def test_a_topic_with_a_surrogate_is_a_value_error(scripted):
    is_refused_as_a_topic(scripted(), "\ud800")


@pytest.mark.mqtt("MQTT-1.5.3-1", "MQTT-3.1.3-10", "MQTT-3.8.3-1", "MQTT-3.10.3-1")
@pytest.mark.parametrize("topic", [*ILL_FORMED, *LAX])
def test_a_topic_of_bytes_that_are_no_utf8_is_a_value_error(scripted, topic):
    is_refused_as_a_topic(scripted(), topic)


@pytest.mark.mqtt("MQTT-1.5.3-1", "MQTT-3.1.3-4", "MQTT-3.1.3-11")
@pytest.mark.parametrize("options", [{"client_id": "\ud800"}, {"user": "\udfff"}])
def test_a_client_identifier_or_user_with_a_surrogate_is_a_value_error(options):
    app = App(FakeTransport(CONNACK), **options)
    with pytest.raises(ValueError):
        app.client.connect()
    assert app.transport.sent == b""


@pytest.mark.mqtt("MQTT-1.5.3-1", "MQTT-1.5.3-2", "MQTT-3.1.3-4", "MQTT-3.1.3-11")
@pytest.mark.parametrize("options", [{"client_id": "a\0"}, {"user": "\0"}, {"client_id": b"\xff"}, {"user": b"\xff"}])
def test_a_client_identifier_or_user_that_mqtt_forbids_is_a_value_error(options):
    app = App(FakeTransport(CONNACK), **options)
    with pytest.raises(ValueError):
        app.client.connect()
    assert app.transport.sent == b""


@pytest.mark.mqtt("MQTT-1.5.3-1", "MQTT-1.5.3-2", "MQTT-3.3.2-2", "MQTT-4.5.0-2", "MQTT-4.7.3-2")
@pytest.mark.parametrize("topic", [*ILL_FORMED, *LAX, b"\0", b"a\0", b"+", b"a/+", b"#", b"a#"])
def test_a_message_with_a_topic_that_mqtt_forbids_is_acknowledged_and_told(scripted, topic):
    app = scripted(wire.publish(topic, b"m", 1, 7) + message(b"good"))
    app.drain()
    assert [topic for topic, *_ in app.messages] == [b"good"]
    assert app.statuses == [(0, errno.SDROPPED)]
    assert app.transport.sent == b"\x40\x02\x00\x07"


@pytest.mark.mqtt("MQTT-1.5.3-2", "MQTT-4.7.3-2")
@pytest.mark.parametrize("topic", ["\0", "a\0b", b"\0", b"a\0"])
def test_a_topic_with_the_null_character_is_a_value_error(scripted, topic):
    is_refused_as_a_topic(scripted(), topic)


@pytest.mark.mqtt("MQTT-1.5.3-3")
def test_a_byte_order_mark_is_a_character_like_others(scripted):
    app = scripted(message(b"\xef\xbb\xbfa\xef\xbb\xbf"))
    app.drain()
    assert app.messages[0][0] == b"\xef\xbb\xbfa\xef\xbb\xbf"
    app.client.publish("\ufeffa", "m")
    app.client.subscribe("\ufeffa")
    assert app.transport.sent == (
        b"\x30\x07\x00\x04\xef\xbb\xbfam" b"\x82\x09\x00\x01\x00\x04\xef\xbb\xbfa\x00"
    )  # fmt: skip


@pytest.mark.mqtt("MQTT-4.7.3-3")
def test_the_longest_topic_goes_both_ways(scripted):
    longest = b"t" * 65535
    packet = b"\x30\x82\x80\x04\xff\xff" + longest + b"m"
    goes_both_ways(scripted(packet, max_packet=65538), longest, packet)


def goes_both_ways(app, longest, packet, *others):
    """Receive a message and publish it; a longer topic is refused by each call, and by `others`."""
    while app.transport.incoming:
        app.client.check_msg()
    assert app.messages[0][0] == longest
    app.client.publish(longest, "m")
    assert app.transport.sent == packet
    app.forget_sent()
    for call in (app.client.subscribe, app.client.unsubscribe, lambda topic: app.client.publish(topic, "m"), *others):
        with pytest.raises(ValueError):
            call(longest + b"t")
    assert app.transport.sent == b""
