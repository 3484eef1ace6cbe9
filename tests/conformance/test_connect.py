"""CONNECT, byte for byte [3.1]."""

from __future__ import annotations

import pytest

from tests.unit.program import App
from umqtt2.testing import FakeTransport

CONNACK = b"\x20\x02\x00\x00"


def sent(clean_session=True, will=(), **options):
    """What a client that was made with these options sends to connect."""
    app = App(FakeTransport(CONNACK), **options)
    if will:
        app.client.set_last_will(*will)
    app.client.connect(clean_session)
    return bytes(app.transport.sent)


def connect(flags: int, payload: bytes, keepalive: bytes = b"\0\0") -> bytes:
    return bytes([0x10, 10 + len(payload)]) + b"\0\x04MQTT\x04" + bytes([flags]) + keepalive + payload


@pytest.mark.mqtt("MQTT-3.1.0-1", "MQTT-3.1.3-3")
def test_connect_is_all_that_is_sent_first():
    assert sent() == b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02id"


@pytest.mark.mqtt("MQTT-3.1.3-3", "MQTT-3.1.3-7")
def test_an_empty_client_identifier_is_there_too():
    assert sent(client_id="") == connect(0x02, b"\0\0")


def test_clean_session_and_keepalive():
    assert sent(clean_session=False, keepalive=0x1234) == connect(0x00, b"\0\x02id", b"\x12\x34")


@pytest.mark.mqtt("MQTT-3.1.2-9", "MQTT-3.1.2-14")
@pytest.mark.parametrize(
    "retain, qos, flags",
    [(False, 0, 0x04), (False, 1, 0x0C), (False, 2, 0x14), (True, 0, 0x24), (True, 1, 0x2C), (True, 2, 0x34)],
)
def test_a_will_has_its_flags_its_topic_and_its_message(retain, qos, flags):
    fields = b"\0\x02id" b"\0\x04w/ll" b"\0\x02\x00\xff"
    assert sent(will=("w/ll", b"\0\xff", retain, qos)) == connect(0x02 | flags, fields)


@pytest.mark.mqtt("MQTT-3.1.2-9")
def test_an_empty_message_of_a_will_is_there_too():
    assert sent(will=("w", b"")) == connect(0x06, b"\0\x02id" b"\0\x01w" b"\0\0")


@pytest.mark.mqtt("MQTT-3.1.2-14")
@pytest.mark.parametrize("qos", [-1, 3, 4])
def test_a_will_with_another_qos_is_a_value_error(qos):
    with pytest.raises(ValueError):
        sent(will=("w", "m", False, qos))


@pytest.mark.mqtt("MQTT-3.1.2-11", "MQTT-3.1.2-13", "MQTT-3.1.2-15")
def test_without_a_will_there_is_nothing_of_it():
    assert sent(user="u", password="p") == connect(0xC2, b"\0\x02id" b"\0\x01u" b"\0\x01p")


@pytest.mark.mqtt("MQTT-3.1.2-18", "MQTT-3.1.2-20")
def test_without_a_user_there_is_nothing_of_it():
    assert sent(will=("w", "m")) == connect(0x06, b"\0\x02id" b"\0\x01w" b"\0\x01m")


@pytest.mark.mqtt("MQTT-3.1.2-19", "MQTT-3.1.2-20")
@pytest.mark.parametrize("user, field", [("u", b"\0\x01u"), ("", b"\0\0")])
def test_a_user_without_a_password(user, field):
    assert sent(user=user) == connect(0x82, b"\0\x02id" + field)


@pytest.mark.mqtt("MQTT-3.1.2-19", "MQTT-3.1.2-21")
@pytest.mark.parametrize("password, field", [("p", b"\0\x01p"), (b"\0\xff", b"\0\x02\0\xff"), ("", b"\0\0")])
def test_a_user_with_a_password(password, field):
    assert sent(user="u", password=password) == connect(0xC2, b"\0\x02id" b"\0\x01u" + field)


@pytest.mark.mqtt("MQTT-3.1.2-22")
def test_a_password_without_a_user_is_a_value_error():
    with pytest.raises(ValueError):
        sent(password="p")


@pytest.mark.mqtt("MQTT-3.1.3-1")
def test_the_order_of_the_fields():
    assert sent(client_id="1", will=("2", "3", True, 2), user="4", password="5") == connect(
        0xF6, b"\0\x011" b"\0\x012" b"\0\x013" b"\0\x014" b"\0\x015"
    )


@pytest.mark.mqtt("MQTT-3.1.3-2")
def test_every_connection_of_a_client_has_its_identifier():
    app = App(FakeTransport(CONNACK), client_id="mine")
    app.client.connect(False)
    for present in (1, 0):
        app.client.disconnect()
        app.forget_sent()
        app.transport.feed(bytes([0x20, 2, present, 0]))
        app.client.connect(False)
        assert bytes(app.transport.sent).endswith(b"\0\x04mine")
