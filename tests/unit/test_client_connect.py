"""connect, disconnect, and what they say when it does not work."""

from __future__ import annotations

from array import array

import pytest

from tests.unit import wire
from tests.unit.program import CALLS
from umqtt2 import MQTTClient, MQTTException, errno
from umqtt2.session.memory import MemorySession
from umqtt2.session.qos2 import QoS2Session
from umqtt2.testing import FakeBroker, FakeTransport


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


def gives_up_after_three_seconds(a):
    with pytest.raises(MQTTException) as caught:
        a.client.connect()
    assert caught.value.args == (errno.ECONTIMEOUT,)
    assert 3000 <= a.clock.now < 3100


def test_a_broker_that_takes_nothing(app):
    a = app(FakeTransport(), socket_timeout=3)
    a.transport.write_sizes = 0
    gives_up_after_three_seconds(a)


class SlowlyOpening(FakeTransport):
    """Takes `opening_ms` to open, and its CONNACK comes after `answer_ms` more."""

    opening_ms = 2900
    answer_ms = 2900
    answer_at = 1 << 30
    given = None

    def opening(self, timeout_ms):
        self.given = timeout_ms
        ready = self.clock.now + self.opening_ms
        while self.clock.now < ready:
            yield
        self.open(timeout_ms)
        self.answer_at = self.clock.now + self.answer_ms

    def wait(self, flags, timeout_ms):
        super().wait(flags, timeout_ms)
        if self.clock.now >= self.answer_at and not self.incoming:
            self.feed(wire.connack())


def test_opening_and_the_handshake_have_a_limit_each(app):
    a = app(SlowlyOpening(), socket_timeout=3)
    a.client.connect()
    assert 2900 < a.transport.given <= 3000
    assert 5800 <= a.clock.now < 6400


def test_opening_that_takes_too_long(app):
    a = app(SlowlyOpening(), socket_timeout=3)
    a.transport.opening_ms = 1_000_000
    gives_up_after_three_seconds(a)


def test_opening_and_sending_the_connect_share_a_limit(app):
    a = app(SlowlyOpening(), socket_timeout=3)
    a.transport.write_sizes = 0
    gives_up_after_three_seconds(a)


@pytest.mark.parametrize("seconds", [0.2, 1, 5, 60])
def test_connecting_to_a_silent_broker_takes_as_long_as_it_may(app, seconds):
    a = app(FakeTransport(), socket_timeout=seconds)
    with pytest.raises(MQTTException) as caught:
        a.client.connect()
    assert caught.value.args == (errno.ECONTIMEOUT,)
    assert 1000 * seconds <= a.clock.now <= 1000 * seconds * 9 / 8 + 100


@pytest.mark.parametrize("data", [b"\x20\x02\0", b"\x30\xff\xff\xff\x7f\0\1t" + b"x" * 1000])
def test_an_answer_that_drips_in_is_bounded_by_the_socket_timeout(app, data):
    class Drip(FakeTransport):
        def wait(self, flags, timeout_ms):
            super().wait(flags, timeout_ms)
            n = len(self.given)
            if n < len(data):
                self.feed(data[n : n + 1])
                self.given += b"."

    transport = Drip()
    transport.given = b""
    a = app(transport, socket_timeout=3)
    with pytest.raises(MQTTException) as caught:
        a.client.connect()
    assert caught.value.args == (errno.ECONTIMEOUT,)
    assert 3000 <= a.clock.now < 3100


def test_a_broker_that_floods_before_its_connack_is_bounded_too(app):
    class Flood(FakeTransport):
        def readinto(self, buf, n):
            self.clock.advance(1)
            self.feed(b"x" * 128)
            return super().readinto(buf, n)

    a = app(Flood(b"\x30\xff\xff\xff\x7f\0\1t"), socket_timeout=3)
    with pytest.raises(MQTTException) as caught:
        a.client.connect()
    assert caught.value.args == (errno.ECONTIMEOUT,)
    assert 3000 <= a.clock.now < 3200


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
def test_what_was_in_flight_when_a_clean_session_begins_is_told_as_timed_out(app):
    a = app()
    a.client.connect(clean_session=False)
    a.transport.silent = True
    pid = a.client.publish("t", "m", qos=1)
    a.transport.silent = False
    a.client.connect(clean_session=True)
    assert a.statuses == []
    a.clock.advance(60_000)
    a.drain()
    assert a.statuses == [(pid, errno.STIMEOUT)]
    assert a.transport.published == []  # it was not sent again


def test_a_session_that_goes_on_still_tells_what_timed_out(app):
    a = app()
    a.client.connect(clean_session=False)
    a.transport.silent = True
    pid = a.client.publish("t", "m", qos=1)
    a.transport.silent = False
    a.client.connect(clean_session=False)
    a.clock.advance(10_200)
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


@pytest.mark.parametrize("call", CALLS)
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


# --- What the client was made with ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, value",
    [
        ("keepalive", "60"),
        ("keepalive", 60.5),
        ("keepalive", None),
        ("socket_timeout", "5"),
        ("message_timeout", "5"),
        ("message_timeout", None),
        ("client_id", 5),
        ("client_id", None),
        ("user", 5),
        ("password", 5),
    ],
)
def test_an_argument_of_the_wrong_type_is_named_before_anything_is_sent(app, name, value):
    options = {"user": "us"} if name == "password" else {}
    a = app(**options, **{name: value})
    with pytest.raises(TypeError, match=name):
        a.client.connect()
    assert a.transport.opens == 0


@pytest.mark.parametrize(
    "name, value",
    [
        ("socket_timeout", -1),
        ("socket_timeout", 1e9),
        ("socket_timeout", float("nan")),
        ("message_timeout", -1),
        ("client_id", "\udc80"),
        ("client_id", b"\xff"),
        ("client_id", "a\0"),
        ("user", "\ud800"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named_before_anything_is_sent(app, name, value):
    a = app(**{name: value})
    with pytest.raises(ValueError, match=name):
        a.client.connect()
    assert a.transport.opens == 0


def test_ssl_params_without_ssl_are_an_error():
    with pytest.raises(ValueError, match="ssl_params"):
        MQTTClient("id", "srv", ssl_params={"cert_reqs": 2})


def test_a_will_keeps_nothing_of_the_callers_buffers(app):
    a = app()
    topic, msg = bytearray(b"will/t"), bytearray(b"gone")
    a.client.set_last_will(topic, msg)
    topic[:] = b"x" * 99
    msg[:] = b"y" * 99
    a.client.connect()
    assert a.transport.connects[0]["will"] == (b"will/t", b"gone", 0, False)


def test_a_will_in_a_buffer_of_wide_items_is_a_type_error(app):
    with pytest.raises(TypeError, match="msg"):
        app().client.set_last_will("t", memoryview(array("H", [1, 2])))


# --- A CONNACK that does not arrive --------------------------------------------------------------------


class LosingConnacks(FakeBroker):
    """A broker whose CONNACKs get lost while `losing` is True; with `deaf` it does not even get the CONNECTs."""

    losing = deaf = False

    def _connect(self, body):
        if not self.deaf:
            super()._connect(body)
        if self.losing or self.deaf:
            self.incoming.clear()
            self.drop()


@pytest.fixture(params=[QoS2Session, MemorySession])
def losing(request, app):
    """An App with a store, connected to a session that goes on, whose broker may lose CONNACKs."""
    a = app(LosingConnacks(), session=request.param())
    a.connect(False)
    return a


def connect_in_vain(a, clean_session):
    with pytest.raises(MQTTException):
        a.client.connect(clean_session)


def test_a_clean_session_whose_connack_was_lost_is_a_new_session(losing):
    a = losing
    a.transport.deliver("t", "same", 2)
    a.client.check_msg()  # PUBREC is out; PUBREL does not arrive
    a.transport.losing = True
    connect_in_vain(a, True)
    a.transport.losing = False
    assert a.client.connect(False) is False
    a.transport._pid = 0
    a.transport.deliver("t", "same", 2)  # with the same identifier
    a.drain()
    assert len(a.messages) == 2
    assert a.transport.acknowledged == [1]


def test_a_clean_session_that_the_broker_has_not_heard_of_repeats_no_message(losing):
    a = losing
    a.transport.deliver("t", "once", 2)
    a.client.check_msg()
    a.transport._received.clear()  # PUBREC gets lost
    a.transport.deaf = True
    connect_in_vain(a, True)
    a.transport.deaf = False
    assert a.client.connect(False) is True
    a.drain()
    assert [m[1] for m in a.messages] == [b"once"]
    assert a.transport.acknowledged == [1]


def test_subscriptions_that_a_lost_clean_session_has_ended_are_renewed(app):
    a = app(LosingConnacks(), session=MemorySession())
    a.connect(False)
    a.client.subscribe("t", 1)
    a.drain()
    a.transport.losing = True
    connect_in_vain(a, True)
    connect_in_vain(a, False)
    a.transport.losing = False
    assert a.client.connect(False) is True  # the session that the second attempt began
    a.drain()
    assert a.transport.subscriptions == {b"t": 1}
