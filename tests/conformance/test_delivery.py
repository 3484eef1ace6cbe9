"""Identifiers, QoS 0 and 1, and how a connection ends [2.3.1, 3.14, 4]."""

from __future__ import annotations

import pytest

from tests.unit.program import App
from umqtt2 import MQTTException, errno
from umqtt2.packets import decoder
from umqtt2.testing import FakeTransport

CONNACK = b"\x20\x02\x00\x00"
RESUMED = b"\x20\x02\x01\x00"


def message(pid: int, payload: bytes, dup: bool = False) -> bytes:
    """A PUBLISH at QoS 1."""
    return bytes([0x3A if dup else 0x32, 5 + len(payload)]) + b"\0\x01t" + pid.to_bytes(2, "big") + payload


@pytest.mark.mqtt("MQTT-2.3.1-1")
def test_identifiers_go_from_1_to_65535_and_begin_again(scripted):
    app = scripted()
    pids = []
    for _ in range(65536):
        app.forget_sent()
        pid = app.client.unsubscribe("t")
        assert app.transport.sent == b"\xa2\x05" + pid.to_bytes(2, "big") + b"\0\x01t"
        app.transport.feed(b"\xb0\x02" + pid.to_bytes(2, "big"))
        app.client.check_msg()
        pids.append(pid)
    assert pids == [*range(1, 65536), 1]


@pytest.mark.mqtt("MQTT-2.3.1-2", "MQTT-4.3.2-1")
def test_one_that_waits_keeps_its_identifier_from_all_others(scripted):
    app = scripted(message_timeout=100_000)
    calls = (
        lambda: app.client.publish("t", "m", qos=1),
        lambda: app.client.subscribe("t", 1),
        lambda: app.client.unsubscribe("t"),
    )
    held = [call() for call in calls]
    for i in range(65536):
        pid = calls[i % 3]()
        assert pid not in held
        first = (b"\x40\x02", b"\x90\x03", b"\xb0\x02")[i % 3]
        app.transport.feed(first + pid.to_bytes(2, "big") + b"\0" * (i % 3 == 1))
        app.client.check_msg()
        app.forget_sent()


@pytest.mark.mqtt("MQTT-2.3.1-1", "MQTT-4.8.0-1")
def test_a_message_at_qos_1_without_an_identifier_ends_the_connection(ended):
    assert ended(message(0, b"m")).messages == []


@pytest.mark.mqtt("MQTT-2.3.1-5", "MQTT-3.3.4-1")
def test_a_message_at_qos_0_has_no_identifier_and_no_answer(scripted):
    app = scripted(b"\x30\x06\x00\x01t\x00\x01m")
    app.drain()
    assert app.messages == [(b"t", b"\x00\x01m", False, False)]
    assert app.transport.sent == b""


@pytest.mark.mqtt("MQTT-4.3.2-1")
def test_a_message_at_qos_1_is_delivered_when_its_puback_comes(scripted):
    app = scripted()
    first = app.client.publish("t", "1", qos=1)
    second = app.client.publish("t", "2", qos=1)
    assert app.transport.sent == b"\x32\x06\x00\x01t\x00\x011\x32\x06\x00\x01t\x00\x022"
    app.drain()
    assert app.statuses == []
    app.transport.feed(b"\x40\x02" + second.to_bytes(2, "big"))
    app.drain()
    assert app.statuses == [(second, errno.SDELIVERED)]
    app.transport.feed(b"\x40\x02" + first.to_bytes(2, "big"))
    app.drain()
    assert app.statuses == [(second, errno.SDELIVERED), (first, errno.SDELIVERED)]


@pytest.mark.mqtt("MQTT-2.3.1-6", "MQTT-3.3.4-1", "MQTT-4.3.2-2", "MQTT-4.6.0-2")
def test_pubacks_have_the_identifiers_and_the_order_of_their_messages(scripted):
    app = scripted(message(0xFFFF, b"1") + message(7, b"2") + message(0x100, b"3"))
    app.drain()
    assert [msg for _, msg, *_ in app.messages] == [b"1", b"2", b"3"]
    assert app.transport.sent == b"\x40\x02\xff\xff\x40\x02\x00\x07\x40\x02\x01\x00"


@pytest.mark.mqtt("MQTT-4.3.2-2")
@pytest.mark.parametrize("dup", [False, True])
def test_after_its_puback_an_identifier_means_a_new_message(scripted, dup):
    app = scripted(message(7, b"1") + message(7, b"2", dup))
    app.drain()
    assert [msg for _, msg, *_ in app.messages] == [b"1", b"2"]
    assert app.transport.sent == b"\x40\x02\x00\x07" * 2


@pytest.mark.mqtt("MQTT-4.5.0-2")
def test_a_message_that_the_client_does_not_want_is_acknowledged(scripted):
    app = scripted(message(7, b"x" * 100), max_packet=50)
    app.drain()
    assert app.messages == []
    assert app.transport.sent == b"\x40\x02\x00\x07"


@pytest.mark.mqtt("MQTT-4.5.0-2")
def test_a_message_without_a_callback_is_acknowledged_and_told(scripted):
    app = scripted(message(7, b"m"))
    app.client.set_callback(None)
    app.drain()
    assert app.transport.sent == b"\x40\x02\x00\x07"
    assert app.statuses == [(0, errno.SDROPPED)]


@pytest.mark.mqtt("MQTT-4.5.0-2", "MQTT-4.8.0-2")
def test_a_message_whose_callback_raises_is_acknowledged(scripted):
    def callback(*args):
        raise ValueError("mine")

    app = scripted(message(7, b"m"))
    app.client.set_callback(callback)
    with pytest.raises(ValueError, match="mine"):
        app.drain()
    assert app.transport.sent == b"\x40\x02\x00\x07"
    assert app.transport.is_open


@pytest.mark.mqtt("MQTT-4.3.2-1", "MQTT-4.3.3-1")
@pytest.mark.parametrize("qos, kinds", [(1, (0x50, 0x70, 0xB0)), (2, (0x70, 0xB0))])
def test_an_acknowledgement_of_another_kind_acknowledges_nothing(scripted, qos, kinds):
    app = scripted()
    pid = app.client.publish("t", "m", qos=qos)
    app.forget_sent()
    for first in kinds:
        app.transport.feed(bytes([first, 2]) + pid.to_bytes(2, "big"))
    app.drain()
    assert app.statuses == [(pid, errno.SUNKNOWNPID)] * len(kinds)
    assert app.transport.sent == b""


@pytest.mark.mqtt("MQTT-3.14.4-1", "MQTT-3.14.4-2")
def test_after_disconnect_the_connection_is_closed_and_nothing_is_sent(scripted):
    app = scripted(message(7, b"m"), keepalive=1)
    app.client.publish("t", "m", qos=1)
    app.forget_sent()
    app.client.disconnect()
    assert app.transport.sent == b"\xe0\x00"
    assert not app.transport.is_open
    app.clock.advance(100_000)
    assert app.is_not_connected()
    app.client.disconnect()
    assert app.transport.sent == b"\xe0\x00"


@pytest.mark.mqtt("MQTT-3.14.4-1", "MQTT-3.14.4-2")
def test_a_callback_that_disconnects_is_not_followed_by_an_acknowledgement(scripted):
    app = scripted(message(7, b"m"))
    app.client.set_callback(lambda *args: app.client.disconnect())
    app.client.check_msg()
    assert app.transport.sent == b"\xe0\x00"
    assert not app.transport.is_open


@pytest.mark.mqtt("MQTT-4.1.0-2")
def test_what_is_in_flight_is_known_as_long_as_the_connection_lasts(scripted):
    app = scripted(message_timeout=1000)
    pids = [app.client.publish("t", "m", qos=1) for _ in range(20)]
    app.clock.advance(999_000)
    for pid in reversed(pids):
        app.transport.feed(b"\x40\x02" + pid.to_bytes(2, "big"))
    app.drain()
    assert app.statuses == [(pid, errno.SDELIVERED) for pid in reversed(pids)]


@pytest.mark.mqtt("MQTT-3.1.2-6")
def test_a_clean_session_begins_with_nothing_in_flight():
    app = App(FakeTransport(CONNACK))
    app.connect(clean_session=False)
    pid = app.client.publish("t", "m", qos=1)
    app.client.disconnect()
    app.transport.feed(CONNACK)
    app.connect(clean_session=True)
    app.drain()
    assert app.transport.sent == b""
    app.clock.advance(11_000)
    app.drain()
    assert app.statuses == [(pid, errno.STIMEOUT)]
    app.transport.feed(b"\x40\x02" + pid.to_bytes(2, "big"))
    app.drain()
    assert app.statuses[1:] == [(pid, errno.SUNKNOWNPID)]
    assert app.transport.sent == b""


@pytest.mark.mqtt("MQTT-4.8.0-1")
@pytest.mark.parametrize(
    "data",
    [
        CONNACK,
        b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02id",
        b"\x82\x06\x00\x01\x00\x01t\x00",
        b"\xc0\x00",
        b"\xe0\x00",
        b"\x30\xff\xff\xff\xff\x01",
        b"\x30\x02\x00\x00",
        b"\x30\x03\x00\x05t",
        b"\x40\x03\x00\x01\x00",
        b"\x90\x02\x00\x01",
        b"\xd0\x01\x00",
    ],
)
def test_a_violation_of_the_protocol_ends_the_connection(ended, data):
    ended(data)


@pytest.mark.mqtt("MQTT-4.8.0-1")
@pytest.mark.parametrize("answer", [b"\x20\x02\x02\x00", b"\x20\x02\x00\x06", b"\xd0\x00", b"\x30\x04\x00\x01tm"])
def test_an_answer_to_connect_that_mqtt_forbids_ends_the_connection(answer):
    app = App(FakeTransport(answer))
    with pytest.raises(MQTTException):
        app.client.connect()
    assert not app.transport.is_open


@pytest.mark.xfail(reason="it is believed", strict=True)
@pytest.mark.mqtt("MQTT-4.8.0-1")
def test_a_clean_session_that_the_broker_calls_resumed_ends_the_connection():
    app = App(FakeTransport(RESUMED))
    with pytest.raises(MQTTException):
        app.client.connect(clean_session=True)
    assert not app.transport.is_open


@pytest.mark.mqtt("MQTT-4.8.0-2")
def test_no_memory_to_read_with_ends_the_connection(mocker):
    class Full(decoder.BytesIO):
        def write(self, *args):
            raise MemoryError

    mocker.patch.object(decoder, "BytesIO", Full)
    app = App(FakeTransport(CONNACK + b"\x30\x04\x00\x01tm"))
    app.client.connect()
    with pytest.raises(MemoryError):
        app.client.check_msg()
    assert not app.transport.is_open
