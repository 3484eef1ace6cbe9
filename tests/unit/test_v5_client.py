"""The plain client with MQTT 5."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import wire5
from umqtt2 import MQTTException
from umqtt2.errno import (
    ECONAUTH,
    ECONCLOSE,
    ECONCREDENTIALS,
    ECONPROTOCOL,
    ECONREJECT,
    ECONUNAVAIBLE,
    ECONUNKNOWN,
    EFULL,
    ELIMIT,
    ERESPONSE,
    SDELIVERED,
    SFAILED,
    SOVERSIZE,
)
from umqtt2.testing import FakeTransport
from umqtt2.v5 import V5, Options, Topic

CONNECTED = wire5.connack()


class Five:
    """An App with MQTT 5 on a FakeTransport."""

    def __init__(self, app, five, connack, **options):
        self.five = five
        self.transport = FakeTransport(connack)
        self.app = app(self.transport, packets=five, **options)
        self.client = self.app.client
        self.statuses = self.app.statuses
        self.messages = self.app.messages
        self.reasons = []  # what `five` tells in each callback
        self.client.set_callback_status(self._status)
        self.client.set_callback(self._message)

    def _status(self, *args):
        self.statuses.append(args)
        self.reasons.append((self.five.reason, self.five.properties()))

    def _message(self, *args):
        self.messages.append(args)
        self.reasons.append(self.five.properties())

    def sent(self):
        """What was sent since the last call, as dicts."""
        found = wire5.parse_all(bytes(self.transport.sent))
        self.app.forget_sent()
        return found

    def take(self, data):
        self.transport.feed(data)
        self.app.drain()


@pytest.fixture
def five(app):
    def make(connack=CONNECTED, v5=None, connect=True, **options):
        f = Five(app, v5 or V5(), connack, **options)
        if connect:
            f.client.connect()
            f.app.forget_sent()
        return f

    return make


@pytest.fixture
def up(five):
    return five()


# --- Connecting -------------------------------------------------------------------------------------------------


def hello(five, v5=None, clean=True, prepare=lambda client: None, **options):
    f = five(v5=v5, connect=False, **options)
    prepare(f.client)
    f.client.connect(clean)
    (connect,) = f.sent()
    return connect


def test_connect_announces_what_fits(five):
    connect = hello(five, max_packet=1000, keepalive=7)
    assert connect == {
        "first": 0x10, "clean": 1, "keepalive": 7, "client_id": b"id", "properties": [(0x27, 1003)],
    }  # fmt: skip


def test_window_alone_is_announced(five):
    assert hello(five, V5(window=20, largest=0))["properties"] == [(0x21, 20)]


def test_with_a_callback_for_chunks_any_size_may_come(five):
    connect = hello(five, prepare=lambda client: client.set_callback_chunks(print, "#"))
    assert connect["properties"] == []


@pytest.mark.mqtt5("MQTT-3.1.2-23")
@pytest.mark.parametrize(
    "expiry, clean, wanted",
    [(None, True, []), (None, False, [(0x11, 0xFFFFFFFF)]), (60, True, [(0x11, 60)]), (60, False, [(0x11, 60)])],
)
def test_session_expiry(five, expiry, clean, wanted):
    assert hello(five, V5(expiry=expiry, largest=0), clean)["properties"] == wanted


def test_user_properties_and_password_without_user(five):
    connect = hello(five, V5(user=(("a", value) for value in "bc"), largest=0), password=b"\0\xff")
    assert connect["properties"] == [(0x26, (b"a", b"b")), (0x26, (b"a", b"c"))]
    assert connect["password"] == b"\0\xff" and "user" not in connect


def test_will_with_delay(five):
    topic = Topic("a/state", delay=30, content="text")
    connect = hello(five, prepare=lambda client: client.set_last_will(topic, "gone", retain=True, qos=1))
    assert connect["will"] == ([(0x18, 30), (3, b"text")], b"a/state", b"gone", 1, 1)
    connect = hello(five, prepare=lambda client: client.set_last_will("w", "gone"))
    assert connect["will"] == ([], b"w", b"gone", 0, 0)


def test_delay_is_for_a_last_will(up):
    with pytest.raises(ValueError, match="delay"):
        up.client.publish(Topic("a", delay=1), "x")
    assert up.sent() == []


@pytest.mark.mqtt5("MQTT-3.1.3-2")
def test_assigned_identifier_is_used_again(five):
    f = five(wire5.connack(pairs=[(0x12, b"auto-1")]), client_id="", connect=False)
    f.client.connect()
    f.client.disconnect()
    f.transport.feed(CONNECTED)
    f.client.connect()
    connects = [p for p in f.sent() if p["first"] == 0x10]
    assert [p["client_id"] for p in connects] == [b"", b"auto-1"]


@pytest.mark.parametrize(
    "code, error",
    [
        (0x84, ECONPROTOCOL), (0x85, ECONREJECT), (0x8E, ECONREJECT), (0x86, ECONCREDENTIALS),
        (0x88, ECONUNAVAIBLE), (0x89, ECONUNAVAIBLE), (0x8B, ECONUNAVAIBLE), (0x87, ECONAUTH), (0x8A, ECONAUTH),
        (0x8C, ECONAUTH), (0x80, ECONUNKNOWN), (0x9C, ECONUNKNOWN), (0x9F, ECONUNKNOWN),
    ],
)  # fmt: skip
def test_refused_with_a_reason(five, code, error):
    f = five(wire5.connack(code, pairs=[(0x1F, b"why"), (0x1C, b"other:1883")]), connect=False)
    with pytest.raises(MQTTException) as e:
        f.client.connect()
    assert e.value.args == (error, code)
    assert f.five.reason == code and f.five.properties() == {0x1F: b"why", 0x1C: b"other:1883"}


def test_a_broker_that_knows_3_1_1_only(five):
    f = five(b"\x20\x02\0\x01", connect=False)
    with pytest.raises(MQTTException) as e:
        f.client.connect()
    assert e.value.args[0] == ECONPROTOCOL


def test_a_broker_that_closes_at_once_does_not_know_this_version(five):
    f = five(b"", connect=False)
    f.transport.ended = True
    with pytest.raises(MQTTException) as e:
        f.client.connect()
    assert e.value.args == (ECONPROTOCOL,)
    f.transport.ended = False
    f.transport.feed(CONNECTED)
    f.client.connect()
    f.transport.ended = True
    with pytest.raises(MQTTException) as e:
        f.client.check_msg()
    assert e.value.args == (ECONCLOSE,)


def test_resumes_a_session(five):
    f = five(wire5.connack(present=1), connect=False)
    assert f.client.connect(False) is True


@pytest.mark.mqtt5("MQTT-3.2.2-4")
def test_a_session_that_was_not_asked_for_breaks_mqtt(five):
    f = five(wire5.connack(present=1), connect=False)
    with pytest.raises(MQTTException) as e:
        f.client.connect(True)
    assert e.value.args == (ERESPONSE, 0x82)


def test_a_session_that_has_ended_with_its_connection_is_not_resumed(five):
    f = five(v5=V5(expiry=0))
    f.client.disconnect()
    f.transport.feed(wire5.connack(present=1))
    with pytest.raises(MQTTException) as e:
        f.client.connect(False)
    assert e.value.args == (ERESPONSE, 0x82)
    assert bytes(f.transport.sent).endswith(b"\xe0\1\x82")


def test_the_broker_keeps_the_session_for_longer_than_was_asked_for(five):
    f = five(wire5.connack(pairs=[(0x11, 60)]), v5=V5(expiry=0), connect=False)
    f.client.connect(False)
    f.client.disconnect()
    f.transport.feed(wire5.connack(present=1))
    assert f.client.connect(False) is True


def test_an_identifier_that_the_broker_has_yet_to_assign_has_no_session(five):
    f = five(wire5.connack(present=1, pairs=[(0x12, b"auto-1")]), client_id="", connect=False)
    with pytest.raises(MQTTException) as e:
        f.client.connect(False)
    assert e.value.args == (ERESPONSE, 0x82)
    f.transport.feed(wire5.connack(pairs=[(0x12, b"auto-1")]))
    f.client.connect(False)
    f.client.disconnect()
    f.transport.feed(wire5.connack(present=1))
    assert f.client.connect(False) is True


def test_a_session_of_which_the_answer_was_lost_is_resumed(five):
    f = five(v5=V5())  # clean: ends with the connection
    f.client.disconnect()
    f.transport.ended = True
    with pytest.raises(MQTTException):
        f.client.connect(False)
    f.transport.ended = False
    f.transport.feed(wire5.connack(present=1))
    assert f.client.connect(False) is True


@pytest.mark.mqtt5("MQTT-3.1.2-21", "MQTT-3.2.2-21")
def test_keepalive_of_the_broker_counts(five):
    f = five(wire5.connack(pairs=[(0x13, 4)]))
    f.app.clock.advance(2500)
    f.client.check_msg()
    assert bytes(f.transport.sent) == b"\xc0\0"


# --- Publishing -------------------------------------------------------------------------------------------------


def test_publish(up):
    up.client.publish("a/b", "x", retain=True)
    up.client.publish("a/b", "y" * 300, qos=1)
    assert up.sent() == [
        {"first": 0x31, "topic": b"a/b", "pid": 0, "properties": [], "payload": b"x"},
        {"first": 0x32, "topic": b"a/b", "pid": 1, "properties": [], "payload": b"y" * 300},
    ]


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)
NAMES = TEXTS.filter(lambda name: name and "+" not in name and "#" not in name)


@pytest.mark.mqtt5("MQTT-1.5.7-1", "MQTT-3.3.2-1", "MQTT-3.3.2-13", "MQTT-3.3.2-19", "MQTT-3.3.4-6")
@given(
    name=NAMES,
    expiry=st.none() | st.integers(1, 0xFFFFFFFF),
    content=st.none() | TEXTS,
    response=st.none() | NAMES,
    correlation=st.none() | st.binary(max_size=200),
    user=st.lists(st.tuples(TEXTS, TEXTS), max_size=3),
    text=st.booleans(),
    qos=st.integers(0, 1),
    payload=st.binary(max_size=300),
    aliases=st.integers(0, 1),
)
def test_any_properties_arrive_as_they_were_given(
    name, expiry, content, response, correlation, user, text, qos, payload, aliases
):
    from tests.unit.program import App

    transport = FakeTransport(wire5.connack(pairs=[(0x22, 5)]))
    app = App(transport, packets=V5(aliases=aliases))
    app.connect()
    topic = Topic(name, expiry, content, response, correlation, user, text)
    wanted = [
        (key, value if isinstance(value, (int, bytes)) else value.encode())
        for key, value in ((2, expiry), (1, 1 if text else None), (3, content), (8, response), (9, correlation))
        if value is not None
    ] + [(0x26, (a.encode(), b.encode())) for a, b in user]
    for alias in ([(0x23, 1)], [(0x23, 1)]) if aliases else ([], []):
        app.client.publish(topic, payload, qos=qos)
        (p,) = wire5.parse_all(bytes(transport.sent))
        app.forget_sent()
        assert p["properties"] == alias + wanted
        assert p["payload"] == payload
    assert p["topic"] == (b"" if aliases else name.encode())


@pytest.mark.mqtt5("MQTT-3.3.2-2", "MQTT-3.3.2-14", "MQTT-4.7.3-2")
@pytest.mark.parametrize("topic", ["a\0\1\1", b"a\0", "", "a/#"])
def test_no_topic_can_inject_properties(up, topic):
    for call in (lambda: up.client.publish(topic, "x"), lambda: up.client.set_last_will(topic, "x")):
        with pytest.raises(ValueError):
            call()
    with pytest.raises(ValueError):
        Topic(topic)
    with pytest.raises(ValueError):
        Topic("a", response=topic)
    assert up.sent() == []


@pytest.mark.mqtt5("MQTT-1.5.4-1", "MQTT-1.5.4-2", "MQTT-1.5.7-1", "MQTT-3.3.2-14", "MQTT-3.3.2-19")
@pytest.mark.parametrize(
    "what",
    [
        {"expiry": 0}, {"expiry": -1}, {"expiry": 1 << 32}, {"content": "a\0b"}, {"content": b"\xff"},
        {"user": [("a", "\0")]}, {"correlation": bytes(65536)}, {"delay": -1}, {"response": "+"},
    ],
)  # fmt: skip
def test_properties_that_mqtt_forbids(what):
    with pytest.raises(ValueError):
        Topic("a", **what)


@pytest.mark.parametrize("what", [{"expiry": "1"}, {"correlation": 7}, {"content": 7}])
def test_properties_of_the_wrong_type(what):
    with pytest.raises(TypeError):
        Topic("a", **what)


@pytest.mark.mqtt5("MQTT-3.2.2-17", "MQTT-3.3.2-7", "MQTT-3.3.2-9")
def test_aliases(five):
    f = five(wire5.connack(pairs=[(0x22, 1)]), V5(aliases=5))
    for topic in ("long/topic", "other", "long/topic", "other"):
        f.client.publish(topic, "x")
    assert [(p["topic"], p["properties"]) for p in f.sent()] == [
        (b"long/topic", [(0x23, 1)]), (b"other", []), (b"", [(0x23, 1)]), (b"other", []),
    ]  # fmt: skip
    f.client.disconnect()
    f.transport.feed(wire5.connack(pairs=[(0x22, 1)]))
    f.app.connect()
    f.client.publish("other", "x")
    assert f.sent() == [{"first": 0x30, "topic": b"other", "pid": 0, "properties": [(0x23, 1)], "payload": b"x"}]


def test_a_payload_from_a_stream_has_properties(up):
    data = bytes(range(250)) * 4
    pid = up.client.publish(Topic("a", content="raw"), io.BytesIO(data), qos=1, length=1000)
    assert up.sent() == [
        {"first": 0x32, "topic": b"a", "pid": pid, "payload": data, "properties": [(3, b"raw")]}
    ]


def test_a_payload_from_a_stream_is_not_read_when_it_is_too_large(five):
    f = five(wire5.connack(pairs=[(0x27, 500)]))
    stream = io.BytesIO(bytes(1000))
    with pytest.raises(MQTTException) as e:
        f.client.publish("a", stream, length=1000)
    assert e.value.args == (ELIMIT, 0x95) and stream.tell() == 0 and f.sent() == []


def test_a_keepalive_of_0_of_the_broker_turns_pings_off(five):
    f = five(wire5.connack(pairs=[(0x13, 0)]), keepalive=4)
    f.app.clock.advance(10_000)
    f.client.check_msg()
    assert f.sent() == []


@pytest.mark.mqtt5("MQTT-3.2.2-11", "MQTT-3.2.2-14", "MQTT-3.2.2-15")
def test_limits_of_the_broker(five):
    f = five(wire5.connack(pairs=[(0x24, 0), (0x25, 0), (0x27, 50)]))
    for args, code in ((("a", "x", True), 0x9A), (("a", "x", False, 1), 0x9B), (("a", "x" * 45), 0x95)):
        with pytest.raises(MQTTException) as e:
            f.client.publish(*args)
        assert e.value.args == (ELIMIT, code)
    assert f.sent() == []
    f.client.publish("a", "x" * 44)
    assert len(f.transport.sent) == 50
    assert f.client.connection.state


@pytest.mark.mqtt5("MQTT-3.2.2-15")
def test_requests_that_are_larger_than_the_broker_takes(five):
    f = five(wire5.connack(pairs=[(0x27, 50)]))
    for call in (f.client.subscribe, f.client.unsubscribe):
        with pytest.raises(MQTTException) as e:
            call("a" * 45)
        assert e.value.args == (ELIMIT, 0x95)
    assert f.sent() == []
    f.client.ping()
    f.client.subscribe("a" * 30, Options(1, identifier=1000))
    assert len(f.transport.sent) <= 50


@pytest.mark.mqtt5("MQTT-3.2.2-15")
@given(size=st.integers(0, 60), limit=st.integers(20, 80), qos=st.integers(0, 1), expiry=st.booleans())
def test_what_is_sent_is_never_larger_than_the_broker_takes(size, limit, qos, expiry):
    from tests.unit.program import App

    transport = FakeTransport(wire5.connack(pairs=[(0x27, limit), (0x22, 5)]))
    app = App(transport, packets=V5(aliases=3))
    app.connect()
    topic = Topic("topic", expiry=5 if expiry else None, user=[("a", "b")])
    try:
        app.client.publish(topic, bytes(size), qos=qos)
    except MQTTException as e:
        assert e.args == (ELIMIT, 0x95)
        assert 2 + 2 + 5 + 2 * qos + 1 + 3 + 5 * expiry + 7 + size > limit
    assert len(transport.sent) <= limit


@pytest.mark.mqtt5("MQTT-3.3.4-7", "MQTT-3.3.4-8")
def test_receive_maximum(five):
    f = five(wire5.connack(pairs=[(0x21, 2)]))
    f.client.publish("a", "x", qos=1)
    f.client.publish("a", "x", qos=1)
    with pytest.raises(MQTTException) as e:
        f.client.publish("a", "x", qos=1)
    assert e.value.args[0] == EFULL
    f.client.subscribe("b")  # is not held back by it [3.3.4-8]
    f.client.disconnect()
    f.transport.feed(CONNECTED)
    f.app.connect()
    for _ in range(3):
        f.client.publish("a", "x", qos=1)


# --- Acknowledgements -------------------------------------------------------------------------------------------


def test_successes_have_reasons_too(up):
    pid = up.client.publish("a", "x", qos=1)
    up.take(wire5.ack(0x40, pid, 0x10, [(0x1F, b"nobody"), (0x26, (b"k", b"v"))]))
    assert up.statuses == [(pid, SDELIVERED)]
    assert up.reasons == [(0x10, {0x1F: b"nobody", 0x26: [(b"k", b"v")]})]


@pytest.mark.parametrize("form", [(0x40, None, None), (0x40, 0, None), (0x40, 0, ())])
def test_all_forms_of_an_acknowledgement(up, form):
    pid = up.client.publish("a", "x", qos=1)
    up.take(wire5.ack(form[0], pid, *form[1:]))
    assert up.statuses == [(pid, SDELIVERED)] and up.reasons == [(0, {})]


def test_puback_that_refuses(up):
    pid = up.client.publish("a", "x", qos=1)
    up.take(wire5.ack(0x40, pid, 0x87, [(0x1F, b"no")]))
    up.take(wire5.ack(0x40, pid, 0x87))
    assert up.statuses[0] == (pid, SFAILED) and up.reasons[0] == (0x87, {0x1F: b"no"})
    assert SFAILED not in [status for _, status in up.statuses[1:]]


@pytest.mark.parametrize("code", [0, 0x87])
def test_an_acknowledgement_before_the_connack_is_not_told(five, code):
    f = five(wire5.ack(0x40, 1, code) + CONNECTED, connect=False)
    f.client.connect(eager=True)
    f.client.publish("a", "x", qos=1)
    with pytest.raises(MQTTException, match="ECONLENGTH"):
        f.client.check_msg()
    assert f.statuses == []


@pytest.mark.parametrize("pid", [1, 9], ids=["known", "unknown"])
@pytest.mark.parametrize("again", [(), (True, False), (True, True)], ids=["not again", "again", "eager"])
def test_who_is_told_of_a_refusal_may_leave_and_connect_again(up, pid, again):
    opened = up.transport.open

    def answer(timeout_ms):
        opened(timeout_ms)
        up.transport.incoming[:] = CONNECTED

    def leave(*args):
        up.statuses.append(args)
        up.client.disconnect()
        if again:
            up.client.connect(*again)

    up.transport.open = answer
    up.client.set_callback_status(leave)
    if pid == 1:
        assert up.client.publish("a", "x", qos=1) == pid
    up.transport.feed(wire5.ack(0x40, pid, 0x87))
    up.client.check_msg()
    assert len(up.statuses) == 1 and up.transport.is_open is bool(again)
    if not again:
        up.client.connect()
    up.client.set_callback_status(up._status)
    up.take(wire5.publish(b"a", b"still at work"))
    assert up.messages == [(b"a", b"still at work", False, False)]


@pytest.mark.mqtt5("MQTT-4.3.3-4")
def test_pubrec_that_refuses_ends_the_message(up):
    pid = up.client.publish("a", "x", qos=2)
    up.sent()
    up.take(wire5.ack(0x50, pid, 0x97))
    assert up.statuses == [(pid, SFAILED)] and up.reasons[0][0] == 0x97
    assert up.sent() == []
    other = up.client.publish("a", "x", qos=2)
    up.take(wire5.ack(0x50, other) + wire5.ack(0x70, other, 0x92))
    assert up.statuses[1:] == [(other, SDELIVERED)]


def test_a_refusal_of_the_wrong_kind_changes_nothing(up):
    pid = up.client.subscribe("a")
    up.take(wire5.ack(0x40, pid, 0x87) + wire5.ack(0x50, pid, 0x87))
    assert (pid, SFAILED) not in up.statuses
    up.take(wire5.suback(pid, 0))
    assert up.statuses[-1] == (pid, SDELIVERED)


def test_subscribe_with_options(up):
    pid = up.client.subscribe("cmd/#", Options(1, no_local=True, as_published=True, retained=2, identifier=700))
    other = up.client.subscribe("x", 2)
    last = up.client.unsubscribe("x")
    assert up.sent() == [
        {"first": 0x82, "pid": pid, "properties": [(0x0B, 700)], "topic": b"cmd/#", "options": 0x2D},
        {"first": 0x82, "pid": other, "properties": [], "topic": b"x", "options": 2},
        {"first": 0xA2, "pid": last, "properties": [], "topic": b"x"},
    ]
    up.take(wire5.suback(pid, 1) + wire5.suback(other, 0x97, [(0x1F, b"no")]) + wire5.suback(last, 0x11, first=0xB0))
    assert up.statuses == [(pid, SDELIVERED), (other, SFAILED), (last, SDELIVERED)]
    assert up.reasons == [(1, {}), (0x97, {0x1F: b"no"}), (0x11, {})]


def test_unsuback_that_refuses(up):
    pid = up.client.unsubscribe("x")
    up.take(wire5.suback(pid, 0x87, first=0xB0))
    assert up.statuses == [(pid, SFAILED)]


@pytest.mark.parametrize("options", [3, -1, 48, 1 << 16, 1.0, "1"])
def test_options_that_mqtt_forbids(up, options):
    with pytest.raises(ValueError):
        up.client.subscribe("a", options)
    assert up.sent() == []


@pytest.mark.parametrize("what", [{"qos": 3}, {"retained": 3}, {"identifier": 1001}, {"identifier": -1}])
def test_options_out_of_range(what):
    with pytest.raises(ValueError):
        Options(**what)


@pytest.mark.parametrize("topic", ["$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a"])
def test_shared_subscriptions_have_a_name_and_a_filter(up, topic):
    with pytest.raises(ValueError):
        up.client.subscribe(topic)


def test_no_local_is_not_for_shared_subscriptions(up):
    with pytest.raises(ValueError):
        up.client.subscribe("$share/g/a", Options(no_local=True))
    up.client.subscribe("$share/g/a/#", Options(1))
    assert up.sent()[0]["topic"] == b"$share/g/a/#"


def test_two_clients_cannot_have_one_v5(app):
    first, second = (app(packets=five) for five in [V5()] * 2)
    first.client.connect()
    with pytest.raises(ValueError, match="packets: another client"):
        second.client.connect()
    assert first.client.publish("a", "x", qos=1)
    first.client.disconnect()
    second.client.connect()


# --- Receiving --------------------------------------------------------------------------------------------------

EVERYTHING = [(1, 1), (2, 60), (3, b"json"), (8, b"r/1"), (9, b"\0\1"), (0x0B, 7), (0x0B, 300), (0x26, (b"k", b"v"))]


def test_receive_with_properties(up):
    up.take(wire5.publish(b"a", b"x", 5, 1, EVERYTHING) + wire5.publish(b"b", b"y"))
    assert up.messages == [(b"a", b"x", False, False), (b"b", b"y", False, False)]
    assert up.reasons == [
        {1: 1, 2: 60, 3: b"json", 8: b"r/1", 9: b"\0\1", 0x0B: [7, 300], 0x26: [(b"k", b"v")]}, {},
    ]  # fmt: skip
    assert bytes(up.transport.sent) == b"\x40\2\0\5"


@pytest.mark.parametrize("sizes", [1, 2, 3, 7, 100])
def test_receive_in_any_pieces(up, sizes):
    up.transport.read_sizes = sizes
    large = EVERYTHING + [(0x26, (b"n" * 100, b"v" * 100))]
    up.take(wire5.publish(b"a", b"x" * 3, 5, 1, EVERYTHING) + wire5.publish(b"b" * 200, b"y" * 500, 6, 2, large))
    assert [m[:2] for m in up.messages] == [(b"a", b"xxx"), (b"b" * 200, b"y" * 500)]
    assert up.reasons[1][0x26] == [(b"k", b"v"), (b"n" * 100, b"v" * 100)]


@pytest.mark.parametrize("sizes", [None, 1, 50])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_payloads_in_chunks_have_properties(five, qos, sizes):
    f = five(max_packet=200, connect=False)
    chunks = []
    seen = []

    def on_chunk(topic, chunk, offset, total):
        chunks.append(bytes(chunk))
        seen.append((topic, total, f.five.properties()))

    f.client.set_callback_chunks(on_chunk, "a/#")
    f.client.connect()
    f.app.forget_sent()
    f.transport.read_sizes = sizes
    data = bytes(range(250)) * 4
    f.take(wire5.publish(b"a/b", data, 7, qos, [(3, b"json"), (0x26, (b"k" * 80, b"v" * 80))]))
    assert b"".join(chunks) == data
    assert set(str(one) for one in seen) == {str((b"a/b", 1000, {3: b"json", 0x26: [(b"k" * 80, b"v" * 80)]}))}
    assert [(p["first"], p["pid"]) for p in f.sent()] == ([], [(0x40, 7)], [(0x50, 7)])[qos]


@pytest.mark.parametrize("payload", [b"\xff", b"\xff\xfe"])
@pytest.mark.parametrize("sizes", [None, 1])
def test_a_short_payload_to_a_long_topic_comes_in_chunks(five, payload, sizes):
    f = five(max_packet=20, connect=False)
    chunks = []
    f.client.set_callback_chunks(lambda topic, chunk, offset, total: chunks.append((topic, bytes(chunk), total)), "#")
    f.client.connect()
    f.transport.read_sizes = sizes
    topic = b"t" * (18 - len(payload))
    f.take(wire5.publish(topic, payload) + wire5.publish(b"a", b"x" * 30))
    given = [b"".join(chunk for name, chunk, _ in chunks if name == one) for one in (topic, b"a")]
    assert given == [payload, b"x" * 30] and f.statuses == []


def test_properties_that_are_too_long_to_keep_are_not_given_in_chunks(five):
    f = five(max_packet=200, connect=False)
    chunks = []
    f.client.set_callback_chunks(lambda *args: chunks.append(args), "#")
    f.client.connect()
    f.take(wire5.publish(b"a/b", b"x", 7, 1, [(0x26, (b"k" * 300, b"v"))]))
    assert not chunks and f.statuses == [(0, SOVERSIZE)]


def test_properties_of_a_message_in_chunks_are_checked(five):
    f = five(max_packet=200, connect=False)
    f.client.set_callback_chunks(print, "#")
    f.client.connect()
    f.transport.feed(wire5.packet(0x30, b"\0\1a\2\1\2" + bytes(300)))
    with pytest.raises(MQTTException) as e:
        f.app.drain()
    assert e.value.args == (ERESPONSE, 0x82)


def test_larger_than_announced(five):
    f = five(max_packet=200)
    f.take(wire5.publish(b"a/b", bytes(300), 7, 1))
    assert f.statuses == [(0, SOVERSIZE)] and f.sent()[0]["pid"] == 7


def test_reply(up):
    answers = []
    up.client.set_callback(lambda *args: answers.append(up.five.reply()))
    up.take(wire5.publish(b"a", b"x", pairs=[(8, b"r/1"), (9, b"42")]))
    up.take(wire5.publish(b"a", b"x", pairs=[(8, b"r/2")]) + wire5.publish(b"a", b"x", pairs=[(8, b"r/#")]))
    up.take(wire5.publish(b"a", b"x", pairs=[(9, b"42")]))
    assert [a and a.encoded for a in answers] == [b"r/1\0\x09\0\x0242", b"r/2", None, None]
    up.client.publish(answers[0], "21.5")
    assert up.sent()[-1]["properties"] == [(9, b"42")]


def test_disconnect_of_the_broker(up):
    up.transport.feed(wire5.disconnect(0x8E, [(0x1F, b"other")]))
    with pytest.raises(MQTTException) as e:
        up.client.check_msg()
    assert e.value.args == (ECONCLOSE, 0x8E)
    assert up.five.reason == 0x8E and up.five.properties() == {0x1F: b"other"}


def test_disconnect_without_a_reason(up):
    up.transport.feed(wire5.disconnect())
    with pytest.raises(MQTTException) as e:
        up.client.check_msg()
    assert e.value.args == (ECONCLOSE, 0)


def test_leaving_with_a_reason(five):
    f = five(v5=V5(expiry=100))
    f.five.disconnect(f.client, reason=4, expiry=0)
    assert f.sent() == [{"first": 0xE0, "code": 4, "properties": [(0x11, 0)]}]
    f.transport.feed(CONNECTED)
    f.app.connect()
    f.client.disconnect()
    assert bytes(f.transport.sent) == b"\xe0\0"


def test_a_session_without_expiry_gets_none_when_leaving(up):
    with pytest.raises(ValueError):
        up.five.disconnect(up.client, expiry=10)
    assert up.sent() == []


# --- What breaks MQTT -------------------------------------------------------------------------------------------


def raw_publish(data: bytes, length=None) -> bytes:
    return wire5.packet(0x30, b"\0\1a" + wire5.remaining_length(len(data) if length is None else length) + data)


BROKEN = [
    (raw_publish(b"\x7f\0"), 0x81),  # unknown
    (raw_publish(b"\0"), 0x81),
    (raw_publish(b"\1\1\1\1"), 0x82),  # twice
    (raw_publish(b"\2\0\0\0\1\2\0\0\0\1"), 0x82),
    (raw_publish(b"\x21\0\1"), 0x82),  # of another packet
    (raw_publish(b"\x23\0\1"), 0x82),  # an alias, and none was offered
    (wire5.packet(0x30, b"\0\0\3\x23\0\1x"), 0x82),
    (raw_publish(b"\1\2"), 0x82),  # out of range
    (raw_publish(b"\x0b\0"), 0x82),
    (raw_publish(b"\2\0\0"), 0x81),  # cut short
    (raw_publish(b"\3\0"), 0x81),
    (raw_publish(b"\3\0\5ab"), 0x81),
    (raw_publish(b"\x26\0\1a\0"), 0x81),
    (raw_publish(b"\x26\0\1a"), 0x81),
    (raw_publish(b"\x0b\x80"), 0x81),
    (raw_publish(b"\3\0\1\xff"), 0x81),  # not UTF-8
    (raw_publish(b"\3\0\1\0"), 0x81),
    (raw_publish(b"\1\1", 3), 0x81),  # longer than the packet
    (wire5.packet(0x30, b"\0\1a\x80"), 0x81),
    (wire5.packet(0x30, b"\0\1a\x80\x80\x80\x80\1"), 0x81),
    (wire5.packet(0x36, b"\0\1a\0\1\0"), 0x81),  # QoS 3
    (wire5.packet(0x32, b"\0\1a\0\0\0"), 0x82),  # identifier 0
    (wire5.packet(0x32, b"\0\3a\0\0\0"), 0x81),
    (wire5.packet(0x30, b"\0\1a"), 0x81),
    (wire5.packet(0x30, b"\0\7abc"), 0x81),
    (CONNECTED, 0x82),  # a second one
    (b"\xf0\0", 0x82),  # AUTH was not asked for
    (b"\x10\0", 0x82),
    (b"\x61\2\0\1", 0x81),  # flags
    (b"\x60\2\0\1", 0x81),
    (b"\xd0\1\0", 0x81),
    (b"\x40\0", 0x81),
    (b"\x40\1\0", 0x81),
    (wire5.packet(0x40, b"\0\1\0\x05\x1f\0"), 0x81),
    (wire5.packet(0x40, b"\0\1\0\0x"), 0x81),  # bytes follow
    (wire5.packet(0x40, b"\0\1\0\2\1\1"), 0x82),
    (wire5.packet(0x90, b"\0\1\0"), 0x81),  # no reason code
    (wire5.packet(0x90, b"\0\1\0\0\0"), 0x81),  # two
    (wire5.packet(0x90, b"\0\1"), 0x81),
    (wire5.packet(0x90, b""), 0x81),
    (wire5.disconnect(0, [(0x11, 1)]), 0x82),
    (b"\x30\xff\xff\xff\xff\1", 0x81),
]


@pytest.mark.mqtt5("MQTT-4.13.2-1")
@pytest.mark.parametrize("pieces", [None, 1])
@pytest.mark.parametrize("data, code", BROKEN)
def test_what_breaks_mqtt_gets_a_disconnect_with_the_reason(up, data, code, pieces):
    up.transport.read_sizes = pieces
    up.transport.feed(data)
    with pytest.raises(MQTTException) as e:
        for _ in range(20):
            up.client.check_msg()
    assert e.value.args == (ERESPONSE, code)
    assert bytes(up.transport.sent) == bytes([0xE0, 1, code])
    assert not up.transport.is_open and not up.messages


BROKEN_CONNACKS = [
    b"\x20\3\2\0\0", b"\x20\3\0\0\1", b"\x20\4\0\0\0\0", b"\x20\0", b"\x20\1\0",
    wire5.connack(pairs=[(0x21, 0)]), wire5.connack(pairs=[(0x27, 0)]), wire5.connack(pairs=[(0x24, 1), (0x24, 1)]),
    wire5.connack(pairs=[(1, 1)]), wire5.connack(pairs=[(0x15, b"x")]), wire5.connack(0x87, 1),
]  # fmt: skip


@pytest.mark.parametrize("data", BROKEN_CONNACKS)
def test_a_connack_that_breaks_mqtt(five, data):
    f = five(data, connect=False)
    with pytest.raises(MQTTException) as e:
        f.client.connect()
    assert e.value.args[0] == ERESPONSE and e.value.args[1] in (0x81, 0x82)
    assert bytes(f.transport.sent).endswith(bytes([0xE0, 1, e.value.args[1]]))


@given(st.binary(max_size=60), st.integers(1, 60))
def test_arbitrary_bytes_raise_what_is_documented(data, pieces):
    from tests.unit.program import App

    app = App(FakeTransport(CONNECTED), packets=V5())
    app.connect()
    app.transport.read_sizes = pieces
    app.transport.feed(data)
    try:
        app.drain()
    except MQTTException as e:
        assert e.args[0] in (ERESPONSE, ECONCLOSE)
