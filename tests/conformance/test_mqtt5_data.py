"""MQTT 5: strings, pairs of strings and variable byte integers, in both directions [1.5]."""

from __future__ import annotations

import pytest

from tests.conformance.test_text import ILL_FORMED, LAX, goes_both_ways
from tests.unit import wire5
from tests.unit.program import App
from umqtt2 import errno
from umqtt2.testing import FakeTransport
from umqtt2.v5 import V5, Options, Topic

CONNACK = wire5.connack()
FORBIDDEN = ["\ud800", *ILL_FORMED, *LAX, "\0", "a\0b", b"\0", b"a\0"]


@pytest.mark.mqtt5(
    "MQTT-1.5.4-1", "MQTT-1.5.7-1", "MQTT-3.1.3-4", "MQTT-3.1.3-11", "MQTT-3.1.3-12", "MQTT-3.3.2-1",
    "MQTT-3.3.2-13", "MQTT-3.3.2-19", "MQTT-3.8.3-1", "MQTT-3.10.3-1",
)  # fmt: skip
def test_text_is_sent_as_its_utf8():
    app = App(FakeTransport(CONNACK), client_id="é", user="€", packets=V5(largest=0, user=[("ü", "𝄞")]))
    app.client.set_last_will(Topic("ü/𝄞", content="é"), "w")
    app.client.connect()
    app.client.publish(Topic("é", content="ü", response="é/ä", user=[("ä", "ö")]), "m")
    app.client.subscribe("é/#")
    app.client.unsubscribe("é/#")
    connect, publish, subscribe, unsubscribe = wire5.parse_all(bytes(app.transport.sent))
    assert connect["properties"] == [(0x26, (b"\xc3\xbc", b"\xf0\x9d\x84\x9e"))]
    assert (connect["client_id"], connect["user"]) == (b"\xc3\xa9", b"\xe2\x82\xac")
    assert connect["will"][:2] == ([(3, b"\xc3\xa9")], b"\xc3\xbc/\xf0\x9d\x84\x9e")
    assert publish["topic"] == b"\xc3\xa9"
    assert publish["properties"] == [(3, b"\xc3\xbc"), (8, b"\xc3\xa9/\xc3\xa4"), (0x26, (b"\xc3\xa4", b"\xc3\xb6"))]
    assert subscribe["topic"] == unsubscribe["topic"] == b"\xc3\xa9/#"


@pytest.mark.mqtt5(
    "MQTT-1.5.4-1", "MQTT-1.5.4-2", "MQTT-1.5.7-1", "MQTT-3.1.3-4", "MQTT-3.1.3-11", "MQTT-3.1.3-12", "MQTT-3.3.2-1",
    "MQTT-3.3.2-13", "MQTT-3.3.2-19", "MQTT-3.8.3-1", "MQTT-3.10.3-1", "MQTT-4.7.3-2",
)  # fmt: skip
@pytest.mark.parametrize("text", FORBIDDEN)
def test_other_text_is_a_value_error(scripted5, text):
    app = scripted5()
    unconnected = [App(FakeTransport(CONNACK), packets=V5(), **{name: text}) for name in ("client_id", "user")]
    for call in (
        lambda: app.client.publish(text, "m"),
        lambda: app.client.subscribe(text),
        lambda: app.client.unsubscribe(text),
        lambda: app.client.set_last_will(text, "m"),
        lambda: Topic(text),
        lambda: Topic("t", content=text),
        lambda: Topic("t", response=text),
        lambda: Topic("t", user=[(text, "v")]),
        lambda: Topic("t", user=[("k", text)]),
        lambda: V5(user=[(text, "v")]),
        lambda: V5(user=[("k", text)]),
        *[one.client.connect for one in unconnected],
    ):
        with pytest.raises(ValueError):
            call()
    assert [bytes(one.transport.sent) for one in (app, *unconnected)] == [b"", b"", b""]


@pytest.mark.mqtt5("MQTT-1.5.4-1", "MQTT-1.5.4-2", "MQTT-1.5.7-1", "MQTT-3.3.2-13", "MQTT-3.3.2-19")
@pytest.mark.parametrize("text", [*ILL_FORMED, *LAX, b"\0", b"a\0b"])
def test_other_text_in_a_property_ends_the_connection(ended5, text):
    for pair in [(3, text), (8, text), (0x26, (text, b"v")), (0x26, (b"k", text))]:
        assert ended5(wire5.publish(b"t", b"m", pairs=[pair]), 0x81).messages == []
    ended5(wire5.ack(0x40, 1, 0x10, [(0x1F, text)]), 0x81)


@pytest.mark.mqtt5(
    "MQTT-1.5.4-1", "MQTT-1.5.4-2", "MQTT-3.3.2-1", "MQTT-3.3.2-2", "MQTT-4.5.0-2", "MQTT-4.7.0-1", "MQTT-4.7.3-2"
)
@pytest.mark.parametrize("topic", [*ILL_FORMED, *LAX, b"\0", b"a\0", b"a\0\1\1", b"+", b"a/+", b"#", b"a#"])
def test_a_message_with_a_topic_that_mqtt_forbids_is_acknowledged_and_told(scripted5, topic):
    app = scripted5(wire5.publish(topic, b"m", 7, 1) + wire5.publish(b"good", b"m"))
    app.drain()
    assert [topic for topic, *_ in app.messages] == [b"good"]
    assert app.statuses == [(0, errno.SDROPPED)]
    assert app.transport.sent == b"\x40\x02\x00\x07"


@pytest.mark.mqtt5("MQTT-1.5.4-3")
def test_a_byte_order_mark_is_a_character_like_others(scripted5):
    mark = b"\xef\xbb\xbfa\xef\xbb\xbf"
    seen = []
    app = scripted5(wire5.publish(mark, b"m", pairs=[(3, mark), (0x26, (mark, mark))]))
    app.client.set_callback(lambda topic, *_: seen.append((topic, app.five.properties())))
    app.drain()
    assert seen == [(mark, {3: mark, 0x26: [(mark, mark)]})]
    app.client.publish(Topic("\ufeffa", content="\ufeff"), "m")
    app.client.subscribe("\ufeffa")
    publish, subscribe = wire5.parse_all(bytes(app.transport.sent))
    assert publish["topic"] == subscribe["topic"] == b"\xef\xbb\xbfa"
    assert publish["properties"] == [(3, b"\xef\xbb\xbf")]


@pytest.mark.mqtt5("MQTT-1.5.5-1")
@pytest.mark.parametrize(
    "count, length",
    [(4, b"\x04"), (127, b"\x7f"), (128, b"\x80\x01"), (16383, b"\xff\x7f"), (16384, b"\x80\x80\x01")],
)
def test_the_remaining_length_is_as_short_as_can_be(scripted5, count, length):
    app = scripted5()
    app.client.publish("t", bytes(count - 4))
    assert app.transport.sent == b"\x30" + length + b"\0\1t\0" + bytes(count - 4)


@pytest.mark.mqtt5("MQTT-1.5.5-1")
@pytest.mark.parametrize(
    "count, length",
    [(10, b"\x0a"), (127, b"\x7f"), (128, b"\x80\x01"), (16383, b"\xff\x7f"), (16384, b"\x80\x80\x01")],
)
def test_the_length_of_properties_is_as_short_as_can_be(scripted5, count, length):
    app = scripted5()
    app.client.publish(Topic("t", correlation=bytes(count - 3)), "")
    _, rest = bytes(app.transport.sent).split(b"\0\1t", 1)
    assert rest.startswith(length + b"\x09")
    assert len(rest) == len(length) + count


@pytest.mark.mqtt5("MQTT-1.5.5-1")
@pytest.mark.parametrize("identifier, varint", [(1, b"\x01"), (127, b"\x7f"), (128, b"\x80\x01"), (1000, b"\xe8\x07")])
def test_a_subscription_identifier_is_as_short_as_can_be(scripted5, identifier, varint):
    app = scripted5()
    app.client.subscribe("t", Options(identifier=identifier))
    properties = b"\x0b" + varint
    assert app.transport.sent == wire5.packet(
        0x82, b"\0\1" + bytes([len(properties)]) + properties + b"\0\1t" + b"\0"
    )


@pytest.mark.mqtt5("MQTT-4.7.3-3")
def test_the_longest_topic_goes_both_ways(scripted5):
    longest = b"t" * 65535
    packet = wire5.publish(longest, b"m")
    others = (Topic, lambda topic: Topic("t", response=topic))
    goes_both_ways(scripted5(packet, max_packet=70000), longest, packet, *others)
