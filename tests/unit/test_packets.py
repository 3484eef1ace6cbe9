"""Encoding: what the package writes is what the specification's reader finds."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import wire
from umqtt2.errno import ECONAUTH, ECONUNKNOWN
from umqtt2.packets.fields import (
    DISCONNECT,
    PINGREQ,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBLISH_HEAD,
    PUBREC,
    PUBREL,
    SUBSCRIBE,
    UNSUBSCRIBE,
    ack,
    fixed_header,
    topic_filter,
    topic_name,
)
from umqtt2.packets.v311 import V311, connect, publish, refusal, subscribe

pids = st.integers(1, 65535)
qoss = st.integers(0, 2)
texts = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))
names = st.text(st.characters(blacklist_characters="+#\0", blacklist_categories=["Cs"]), min_size=1)


@given(
    texts,
    st.booleans(),
    st.integers(0, 65535),
    st.none() | texts,
    st.none() | st.binary(),
    st.none() | st.tuples(names.map(str.encode), st.binary(), st.booleans(), qoss),
)
@pytest.mark.mqtt(
    "MQTT-3.1.2-9", "MQTT-3.1.2-11", "MQTT-3.1.2-13", "MQTT-3.1.2-15", "MQTT-3.1.2-18", "MQTT-3.1.2-19",
    "MQTT-3.1.2-20", "MQTT-3.1.2-21", "MQTT-3.1.2-22", "MQTT-3.1.3-1",
)
def test_connect(client_id, clean, keepalive, user, password, will):
    if (not client_id and not clean) or (password is not None and user is None):
        with pytest.raises(ValueError):
            connect(client_id, clean, keepalive, user, password, will)
        return
    p, rest = wire.parse(connect(client_id, clean, keepalive, user, password, will))
    assert rest == b""
    assert p == {
        "type": 1,
        "client_id": client_id.encode(),
        "clean": clean,
        "keepalive": keepalive,
        "user": user if user is None else user.encode(),
        "password": password,
        "will": will,
    }


@given(names, st.binary(max_size=300), qoss, pids, st.booleans(), st.booleans())
@pytest.mark.mqtt("MQTT-2.3.1-5", "MQTT-3.3.2-1")
def test_publish(topic, payload, qos, pid, retain, dup):
    pid = pid if qos else 0
    buf = bytearray(len(topic.encode()) + PUBLISH_HEAD)
    n = publish(buf, topic_name(topic), len(payload), PUBLISH | dup << 3 | qos << 1 | retain, pid)
    p, rest = wire.parse(bytes(buf[:n]) + payload)
    assert rest == b""
    assert p == {
        "type": 3,
        "topic": topic.encode(),
        "payload": payload,
        "qos": qos,
        "pid": pid,
        "retain": retain,
        "dup": dup,
    }


@given(names, qoss, pids)
@pytest.mark.mqtt("MQTT-3.8.3-3", "MQTT-3.10.3-2")
def test_subscribe_and_unsubscribe(topic, qos, pid):
    assert wire.parse(subscribe(SUBSCRIBE, pid, topic_filter(topic), qos)) == (
        {"type": 8, "pid": pid, "topic": topic.encode(), "qos": qos},
        b"",
    )
    expected = {"type": 10, "pid": pid, "topic": topic.encode()}
    assert wire.parse(subscribe(UNSUBSCRIBE, pid, topic_filter(topic), 0)) == (expected, b"")


@given(st.sampled_from([PUBACK, PUBREC, PUBREL, PUBCOMP]), pids)
def test_acknowledgements(first, pid):
    buf = bytearray(5)
    n = ack(buf, first, pid)
    assert wire.parse(bytes(buf[:n])) == ({"type": first >> 4, "pid": pid}, b"")


def test_packets_without_a_body():
    assert wire.parse(PINGREQ) == ({"type": 12}, b"")
    assert wire.parse(DISCONNECT) == ({"type": 14}, b"")


@given(st.integers(0, 268435455))
def test_remaining_length(n):
    buf = bytearray(5)
    end = fixed_header(buf, 0x30, n)
    reader = wire.Reader(bytes(buf[1:end]))
    assert reader.remaining_length() == n
    assert reader.data == b""


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a/#", "a\0", b"\0", "x" * 65536])
@pytest.mark.mqtt("MQTT-3.3.2-2", "MQTT-4.7.1-1", "MQTT-4.7.3-1", "MQTT-4.7.3-2", "MQTT-4.7.3-3")
def test_topics_that_nobody_may_publish_to(topic):
    with pytest.raises(ValueError):
        topic_name(topic)


@pytest.mark.parametrize("topic", ["a", "/", "//", "a b", "é", "$SYS/x", b"a/b", "x" * 65535])
def test_topics_that_one_may_publish_to(topic):
    assert topic_name(topic) == (topic if isinstance(topic, bytes) else topic.encode())


@pytest.mark.parametrize("topic", ["", "a+", "+a", "a/b+/c", "a#", "#/a", "a/#/b", "a\0", "x" * 65536])
@pytest.mark.mqtt("MQTT-4.7.1-2", "MQTT-4.7.1-3", "MQTT-4.7.3-1", "MQTT-4.7.3-2", "MQTT-4.7.3-3")
def test_filters_that_mqtt_forbids(topic):
    with pytest.raises(ValueError):
        topic_filter(topic)


@pytest.mark.parametrize("topic", ["#", "+", "a/#", "+/+/#", "/+", "a/+/b", b"a/#", "$SYS/#"])
@pytest.mark.mqtt("MQTT-4.7.1-2", "MQTT-4.7.1-3")
def test_filters_that_mqtt_allows(topic):
    assert topic_filter(topic) == (topic if isinstance(topic, bytes) else topic.encode())


@pytest.mark.parametrize("code, number", [(5, ECONAUTH), (6, ECONUNKNOWN), (255, ECONUNKNOWN)])
def test_a_refusal_has_the_number_of_its_return_code(code, number):
    assert refusal(code).args == (number, code)


def test_the_class_has_what_the_contract_names():
    for name in ("connect", "subscribe", "publish", "topic_name"):
        assert callable(getattr(V311, name))


@pytest.mark.parametrize("password", [5, ["p"], 1.5])
def test_a_password_that_is_no_text_or_bytes_is_a_type_error_that_names_it(password):
    with pytest.raises(TypeError, match="password"):
        connect("id", True, 0, "u", password, None)


def test_a_password_in_a_buffer_of_wide_items_is_sent_whole():
    p, _ = wire.parse(connect("id", True, 0, "u", memoryview(array("H", [1, 2])), None))
    assert p["password"] == array("H", [1, 2]).tobytes()
