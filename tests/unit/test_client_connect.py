"""connect, disconnect, and what they say when it does not work."""

from __future__ import annotations

import pytest
import wire

from umqtt2 import MQTTClient, MQTTException, errno
from umqtt2.testing import FakeTransport


def test_connect_sends_what_the_client_was_made_with(app):
    a = app(client_id="idé", user="us", password=b"\xff", keepalive=300)
    a.client.set_last_will("will/t", "gone", retain=True, qos=2)
    assert a.client.connect() is False
    (seen,) = a.transport.connects
    assert seen == {
        "client_id": "idé".encode(),
        "clean": True,
        "keepalive": 300,
        "user": b"us",
        "password": b"\xff",
        "will": (b"will/t", b"gone", 2, True),
    }


def test_connect_leaves_in_one_write_when_it_is_small(app):
    a = app(client_id="x" * 100)
    a.client.connect()
    assert len(a.transport.writes) == 1


def test_a_resumed_session_is_told(app):
    a = app()
    assert a.client.connect(clean_session=False) is False
    a.client.disconnect()
    assert a.client.connect(clean_session=False) is True
    assert a.client.connect(clean_session=True) is False


@pytest.mark.parametrize("code", range(1, 6))
def test_a_refusal_has_its_number(app, code):
    a = app()
    a.transport.return_code = code
    with pytest.raises(MQTTException) as caught:
        a.client.connect()
    assert caught.value.args[0] == 20 + code
    assert not a.transport.is_open
    a.transport.return_code = 0
    a.client.connect()


def test_a_refusal_that_mqtt_does_not_know(app):
    a = app()
    a.transport.return_code = 77
    with pytest.raises(MQTTException) as caught:
        a.client.connect()
    assert caught.value.args == (errno.ECONUNKNOWN, 77)


def test_a_broker_that_says_nothing(app):
    a = app(FakeTransport(), socket_timeout=3)
    with pytest.raises(MQTTException) as caught:
        a.client.connect()
    assert caught.value.args == (errno.ECONTIMEOUT,)
    assert 3000 <= a.clock.now < 3100
    assert not a.transport.is_open


def test_a_broker_that_takes_nothing(app):
    a = app(FakeTransport(), socket_timeout=3)
    a.transport.write_sizes = 0
    with pytest.raises(MQTTException) as caught:
        a.client.connect()
    assert caught.value.args == (errno.ECONTIMEOUT,)
    assert 3000 <= a.clock.now < 3100


def test_opening_and_the_handshake_share_one_deadline(app):
    transport = FakeTransport()
    a = app(transport, socket_timeout=3)
    given = []

    def slow_open(timeout_ms):
        given.append(timeout_ms)
        transport.is_open = True
        transport.clock.advance(2900)

    transport.open = slow_open
    transport.write_sizes = 0
    with pytest.raises(MQTTException):
        a.client.connect()
    assert given == [3000]
    assert 3000 <= a.clock.now < 3100


@pytest.mark.parametrize(
    "answer, number",
    [
        (b"\xd0\0", errno.ECONLENGTH),
        (b"\x30\x03\0\x01a", errno.ECONLENGTH),
        (b"\x20\x03\0\0\0", errno.ERESPONSE),
        (b"HTTP/1.1 400 Bad Request", errno.ERESPONSE),
    ],
)
def test_an_answer_that_is_no_connack(app, answer, number):
    a = app(FakeTransport(answer))
    with pytest.raises(MQTTException) as caught:
        a.client.connect()
    assert caught.value.args[0] == number
    assert not a.transport.is_open


def test_the_broker_closes_instead_of_answering(app):
    a = app(FakeTransport())
    a.transport.ended = True
    with pytest.raises(MQTTException) as caught:
        a.client.connect()
    assert caught.value.args == (errno.ECONCLOSE,)


def test_a_transport_that_cannot_open(app):
    a = app()
    a.transport.fail_open = OSError(111)
    with pytest.raises(OSError):
        a.client.connect()
    a.client.connect()
    a.client.publish("t", "m")


def test_connack_byte_by_byte(app):
    a = app()
    a.transport.read_sizes = 1
    a.transport.write_sizes = 1
    assert a.client.connect() is False


@pytest.mark.parametrize(
    "options",
    [
        {"client_id": "x" * 65536},
        {"keepalive": 65536},
        {"keepalive": -1},
        {"password": "p"},
        {"user": "u" * 65536},
        {"user": "u", "password": "p" * 65536},
    ],
)
@pytest.mark.mqtt("MQTT-3.1.2-22")
def test_what_mqtt_forbids_is_a_value_error_before_anything_is_sent(app, options):
    a = app(**options)
    with pytest.raises(ValueError):
        a.client.connect()
    assert a.transport.opens == 0


@pytest.mark.mqtt("MQTT-3.1.3-7")
def test_an_empty_client_id_is_for_clean_sessions(app):
    a = app(client_id="")
    with pytest.raises(ValueError):
        a.client.connect(clean_session=False)
    a.client.connect()


@pytest.mark.parametrize(
    "args",
    [("a/#", "x"), ("", "x"), ("t", "x", False, 3), ("t", "x" * 65536), ("t", "x", False, -1)],
)
@pytest.mark.mqtt("MQTT-3.1.2-14", "MQTT-4.7.1-1")
def test_a_will_that_mqtt_forbids(app, args):
    with pytest.raises(ValueError):
        app().client.set_last_will(*args)


@pytest.mark.mqtt("MQTT-3.1.2-6")
def test_a_clean_session_forgets_what_was_in_flight(app):
    a = app()
    a.client.connect(clean_session=False)
    a.transport.silent = True
    pid = a.client.publish("t", "m", qos=1)
    a.transport.silent = False
    a.client.connect(clean_session=True)
    a.clock.advance(60_000)
    a.drain()
    assert a.statuses == []
    assert pid == 1


def test_a_session_that_goes_on_still_tells_what_timed_out(app):
    a = app()
    a.client.connect(clean_session=False)
    a.transport.silent = True
    pid = a.client.publish("t", "m", qos=1)
    a.transport.silent = False
    a.client.connect(clean_session=False)
    a.clock.advance(10_000)
    a.drain()
    assert a.statuses == [(pid, errno.STIMEOUT)]


@pytest.mark.mqtt("MQTT-3.14.4-1")
def test_disconnect(connected):
    connected.client.disconnect()
    assert connected.transport.disconnected
    assert not connected.transport.is_open
    connected.client.disconnect()
    connected.forget_sent()


def test_disconnect_never_fails(connected):
    connected.transport.fail_write = OSError(104)
    connected.client.disconnect()
    assert not connected.transport.is_open


def test_connecting_again_leaves_first(connected):
    connected.client.connect()
    packets = wire.parse_all(bytes(connected.transport.sent))
    assert [p["type"] for p in packets] == [14, 1]


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.publish("t", "m"),
        lambda c: c.publish("t", "m", qos=1),
        lambda c: c.subscribe("t"),
        lambda c: c.unsubscribe("t"),
        lambda c: c.ping(),
        lambda c: c.check_msg(),
        lambda c: c.wait_msg(),
    ],
)
@pytest.mark.mqtt("MQTT-3.1.0-1")
def test_not_connected(app, call):
    a = app()
    with pytest.raises(MQTTException) as caught:
        call(a.client)
    assert caught.value.args == (errno.ECONNOT,)
    a.client.connect()
    a.clock.advance(60_000)
    a.drain()
    assert a.statuses == []  # nothing was left in flight by the call that failed


def test_the_positional_order_is_simple2s():
    c = MQTTClient("id", "srv", 1, "u", "p", 5, True, {"cert_reqs": 0}, 7, 8)
    assert (c.client_id, c.server, c.port, c.user, c.password, c.keepalive) == (
        "id", "srv", 1, "u", "p", 5,
    )
    assert (c.ssl, c.ssl_params, c.socket_timeout, c.message_timeout) == (True, {"cert_reqs": 0}, 7, 8)


def test_the_default_ports():
    assert MQTTClient("id", "srv").port == 1883
    assert MQTTClient("id", "srv", ssl=True).port == 8883
