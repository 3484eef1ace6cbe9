"""QoS 2, byte for byte [4.3.3, 4.6]."""

from __future__ import annotations

import pytest

from umqtt2 import errno
from umqtt2.session.memory import MemorySession
from umqtt2.session.qos2 import QoS2Session

stores = pytest.mark.parametrize("store", [QoS2Session, MemorySession])


def message(pid: int, payload: bytes, first: int = 0x34) -> bytes:
    return bytes([first, 5 + len(payload)]) + b"\0\x01t" + pid.to_bytes(2, "big") + payload


def answer(first: int, *pids: int) -> bytes:
    return b"".join(bytes([first, 2]) + pid.to_bytes(2, "big") for pid in pids)


PUBREC, PUBREL, PUBCOMP = 0x50, 0x62, 0x70


@stores
@pytest.mark.mqtt("MQTT-2.2.2-1", "MQTT-2.3.1-6", "MQTT-3.6.1-1", "MQTT-4.3.3-1")
def test_the_way_of_a_message_that_is_published(scripted, store):
    app = scripted(session=store())
    pid = app.client.publish("t", "m", retain=True, qos=2)
    assert app.transport.sent == b"\x35\x06\x00\x01t\x00\x01m"
    app.forget_sent()
    app.transport.feed(b"\x50\x02\x00\x01")
    app.drain()
    assert app.transport.sent == b"\x62\x02\x00\x01"
    assert app.statuses == []
    app.forget_sent()
    app.transport.feed(b"\x70\x02\x00\x01")
    app.drain()
    assert app.transport.sent == b""
    assert app.statuses == [(pid, errno.SDELIVERED)]


@stores
@pytest.mark.mqtt("MQTT-2.3.1-2", "MQTT-4.3.3-1")
def test_an_identifier_is_in_use_until_pubcomp(scripted, store):
    app = scripted(session=store(), message_timeout=100_000)
    held = app.client.publish("t", "m", qos=2)
    app.transport.feed(answer(PUBREC, held))
    app.drain()
    for _ in range(65535):
        pid = app.client.unsubscribe("t")
        assert pid != held
        app.transport.feed(answer(0xB0, pid))
        app.client.check_msg()
        app.forget_sent()


@stores
@pytest.mark.mqtt("MQTT-2.3.1-6", "MQTT-3.3.4-1", "MQTT-4.3.3-2")
def test_the_way_of_a_message_that_comes(scripted, store):
    app = scripted(message(0x1234, b"m"), session=store())
    app.drain()
    assert app.messages == [(b"t", b"m", False, False)]
    assert app.transport.sent == b"\x50\x02\x12\x34"
    app.forget_sent()
    app.transport.feed(message(0x1234, b"m", 0x3C))  # DUP
    app.drain()
    assert len(app.messages) == 1
    assert app.transport.sent == b"\x50\x02\x12\x34"
    app.forget_sent()
    app.transport.feed(b"\x62\x02\x12\x34")
    app.drain()
    assert app.transport.sent == b"\x70\x02\x12\x34"


@stores
@pytest.mark.mqtt("MQTT-4.3.3-2")
@pytest.mark.parametrize("first", [0x34, 0x3C])
def test_after_pubcomp_an_identifier_means_a_new_message(scripted, store, first):
    app = scripted(message(7, b"1") + answer(PUBREL, 7) + message(7, b"2", first), session=store())
    app.drain()
    assert [msg for _, msg, *_ in app.messages] == [b"1", b"2"]
    assert app.transport.sent == answer(PUBREC, 7) + answer(PUBCOMP, 7) + answer(PUBREC, 7)


@stores
@pytest.mark.mqtt("MQTT-4.5.0-2")
def test_a_message_that_the_client_does_not_want_is_acknowledged(scripted, store):
    app = scripted(message(7, b"x" * 100) + answer(PUBREL, 7), session=store(), max_packet=50)
    app.drain()
    assert app.messages == []
    assert app.transport.sent == answer(PUBREC, 7) + answer(PUBCOMP, 7)


@stores
@pytest.mark.mqtt("MQTT-4.6.0-2", "MQTT-4.6.0-3")
def test_answers_have_the_order_of_their_messages(scripted, store):
    pids = [7, 3, 0xFFFF, 5, 1, 0x100]
    app = scripted(
        b"".join(message(pid, b"m", 0x32 if pid & 2 else 0x34) for pid in pids), session=store()
    )
    app.drain()
    assert app.transport.sent == b"".join(answer(0x40 if pid & 2 else PUBREC, pid) for pid in pids)


@stores
@pytest.mark.mqtt("MQTT-4.6.0-4")
@pytest.mark.parametrize("order", [[1, 2, 3, 4], [4, 2, 1, 3]])
def test_pubrels_have_the_order_of_their_pubrecs(scripted, store, order):
    pubrels_have_the_order_of_their_pubrecs(scripted(session=store()), order, answer)


def pubrels_have_the_order_of_their_pubrecs(app, order, answer):
    for _ in order:
        app.client.publish("t", "m", qos=2)
    app.forget_sent()
    app.transport.feed(answer(PUBREC, *order))
    app.drain()
    assert app.transport.sent == answer(PUBREL, *order)
