"""The client that reconnects, with MQTT 5."""

from __future__ import annotations

import io

import pytest

from tests.unit import wire5
from tests.unit.program import App, pass_time
from umqtt2 import MQTTException, reconnect, robust
from umqtt2.errno import ECONCLOSE, ECONPROTOCOL, ELIMIT, SDELIVERED, SFAILED, SREJECTED, STIMEOUT
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession
from umqtt2.testing import FakeTransport
from umqtt2.v5 import V5, Options, Topic

CONNECTED = wire5.connack()
RESUMED = wire5.connack(present=1)


class Robust(App):
    """A robust client on a FakeTransport that answers nothing by itself."""

    def __init__(self, five=None, **options):
        self.five = five or V5(largest=0)
        options.setdefault("verbose", False)
        super().__init__(FakeTransport(), robust.MQTTClient, packets=self.five, **options)
        self.ups = []
        self.client.set_callback_connection(self.ups.append)

    def up(self, connack=CONNECTED):
        """Be connected, now or again."""
        self.transport.ended = False
        self.transport.feed(connack)
        if not self.ups:
            self.client.connect()
        else:
            while not self.client.is_connected():
                self.clock.advance(100)
                self.client.check_msg()
        self.drain()

    def go_down(self):
        self.transport.ended = True
        self.client.check_msg()
        assert not self.client.is_connected()

    def sent(self):
        found = wire5.parse_all(bytes(self.transport.sent))
        self.forget_sent()
        return found

    def published(self):
        return [p for p in self.sent() if p["first"] & 0xF0 == 0x30]

    def take(self, data):
        self.transport.feed(data)
        self.drain()


@pytest.fixture(autouse=True)
def longest_pauses(mocker):
    mocker.patch.object(reconnect, "urandom", return_value=b"\xff\xff")


@pytest.fixture(params=["memory", "file"])
def away(request, tmp_path):
    """A client that was connected, and is not now."""
    session = FileSession(str(tmp_path / "s")) if request.param == "file" else MemorySession()
    a = Robust(session=session)
    a.up()
    a.go_down()
    a.sent()
    return a


def test_a_session_is_kept_for_ever_by_default():
    a = Robust()
    a.up()
    assert a.sent()[0]["properties"] == [(0x11, 0xFFFFFFFF)]


def test_properties_are_kept_with_a_message(away):
    away.client.publish(Topic("a", content="json", user=[("k", "v")]), "x", qos=1)
    away.up(RESUMED)
    assert away.published() == [
        {"first": 0x32, "topic": b"a", "pid": 1, "payload": b"x", "properties": [(3, b"json"), (0x26, (b"k", b"v"))]}
    ]


def test_the_time_that_a_message_waits_counts(away):
    pid = away.client.publish(Topic("a", expiry=60, text=True), "x", qos=1)
    away.transport.fail_open = None
    away.clock.advance(20_000)
    away.up(RESUMED)
    (p,) = away.published()
    assert p["properties"][1] == (1, 1)
    assert 35 <= p["properties"][0][1] <= 40
    away.go_down()
    away.clock.advance(100_000)
    away.up(RESUMED)
    (p,) = away.published()  # once it was sent, it does not expire
    assert p["first"] == 0x3A and p["properties"][0] == (2, 1)
    away.take(wire5.ack(0x40, pid))
    assert away.statuses == [(pid, SDELIVERED)]


def test_a_message_that_has_expired_is_not_sent(away):
    pid = away.client.publish(Topic("a", expiry=10), "x", qos=1)
    later = away.client.publish("b", "y", qos=1)
    away.clock.advance(11_000)
    away.up(RESUMED)
    pass_time(away, 1)
    assert [p["topic"] for p in away.published()] == [b"b"]
    assert away.statuses == [(pid, STIMEOUT)]
    away.take(wire5.ack(0x40, later))
    assert away.client.session.waiting() == 0


def test_messages_at_qos_0_that_are_kept_expire_without_a_status():
    a = Robust(keep_qos0=True)
    a.up()
    a.go_down()
    a.client.publish(Topic("a", expiry=10), "x")
    a.client.publish(Topic("b", expiry=100), "x")
    a.clock.advance(11_000)
    a.up(RESUMED)
    pass_time(a, 1)
    assert [p["topic"] for p in a.published()] == [b"b"] and a.statuses == []


def after_a_reset(path, seconds, connack=CONNECTED):
    """A client that has taken a message with an expiry of 60 s, 500 s after its start, and its successor."""
    a = Robust(session=FileSession(path))
    a.clock.advance(500_000)
    a.up()
    a.go_down()
    pid = a.client.publish(Topic("a", expiry=60), "x", qos=1)
    b = Robust(session=FileSession(path))
    b.clock.advance(seconds * 1000)
    b.up(connack)
    pass_time(b, 1)
    return pid, b


@pytest.mark.parametrize("seconds", [0, 20, 58])
def test_after_a_reset_a_message_counts_from_the_reset(tmp_path, seconds):
    pid, b = after_a_reset(str(tmp_path / "s"), seconds)
    (p,) = b.published()
    assert p["pid"] == pid and p["properties"][0][0] == 2
    assert abs(p["properties"][0][1] - (60 - seconds)) <= 1


def test_after_a_reset_a_message_expires_when_its_time_since_then_is_over(tmp_path):
    pid, b = after_a_reset(str(tmp_path / "s"), 61)
    assert b.published() == [] and b.statuses == [(pid, STIMEOUT)]


def test_after_a_reset_a_message_counts_as_sent_where_the_broker_has_kept_the_session(tmp_path):
    """Nobody knows whether it was sent: to give it up at QoS 2 would cost the next message with its identifier."""
    pid, b = after_a_reset(str(tmp_path / "s"), 7200, RESUMED)
    (p,) = b.published()
    assert (p["first"], p["pid"], p["properties"]) == (0x3A, pid, [(2, 1)])


@pytest.mark.mqtt5("MQTT-3.2.2-11", "MQTT-3.2.2-14", "MQTT-3.2.2-15")
def test_what_a_new_broker_does_not_take_is_refused(away):
    large = away.client.publish("a", bytes(100), qos=1)
    exact = away.client.publish("a", "x", qos=2)
    kept = away.client.publish("a", "x", True, 1)
    good = away.client.publish("a", "x", qos=1)
    away.up(wire5.connack(pairs=[(0x27, 50), (0x24, 1), (0x25, 0)]))
    pass_time(away, 1)
    assert away.statuses == [(large, SFAILED), (exact, SFAILED), (kept, SFAILED)]
    assert [p["pid"] for p in away.published()] == [good]
    with pytest.raises(MQTTException) as e:
        away.client.publish("a", bytes(100), qos=1)
    assert e.value.args == (ELIMIT, 0x95)
    assert away.client.session.waiting() == 1


def test_what_the_last_broker_did_not_take_may_fit_the_next_one():
    a = Robust()
    a.up(wire5.connack(pairs=[(0x27, 50), (0x24, 1), (0x25, 0)]))
    a.go_down()
    a.sent()
    pids = [
        a.client.publish("a", bytes(100), qos=1),
        a.client.publish("a", "x", qos=2),
        a.client.publish("a", "x", True, 1),
    ]
    a.client.subscribe("b" * 60)
    a.up(RESUMED)
    pass_time(a, 1)
    assert [p["pid"] for p in a.published()] == pids and a.statuses == []


def test_what_the_last_broker_did_not_take_is_not_sent_before_the_next_one_has_answered():
    a = Robust()
    a.up(wire5.connack(pairs=[(0x27, 50)]))
    a.go_down()
    a.sent()
    large = a.client.publish("a", bytes(100), qos=1)
    a.transport.ended = False
    pass_time(a, 5)
    assert [p["first"] for p in a.sent()] == [0x10] and a.statuses == []
    a.take(wire5.connack(present=1, pairs=[(0x27, 90)]))
    pass_time(a, 1)
    assert a.published() == [] and a.statuses == [(large, SFAILED)]


def test_before_each_connack_one_message_is_in_flight(away):
    for _ in range(3):
        away.client.publish("a", "x", qos=1)
    away.transport.ended = False
    pass_time(away, 5)
    assert [p["first"] for p in away.sent()] == [0x10, 0x32]


# Server busy, keepalive timeout, taken over, too many packets, an administrator, another server, too many connections.
@pytest.mark.parametrize("code", [0x89, 0x8B, 0x8D, 0x8E, 0x93, 0x96, 0x98, 0x9C, 0x9F, 0xA0, 0])
def test_a_message_is_not_blamed_for_what_is_not_because_of_it(away, code):
    pid = away.client.publish("a", "x", qos=1)
    for _ in range(10):
        away.up(RESUMED)
        away.transport.feed(wire5.disconnect(code))
        away.client.check_msg()
        assert not away.client.is_connected()
    away.up(RESUMED)
    pass_time(away, 1)
    assert away.statuses == [] and away.client.session.pids() == [pid]


@pytest.mark.parametrize("code", [0x81, 0x90, 0x95, 0x99, 0x9B])
def test_a_message_that_the_broker_closes_for_again_and_again_is_rejected(away, code):
    pid = away.client.publish("a", "x", qos=1)
    for _ in range(7):
        away.up(RESUMED)
        away.transport.feed(wire5.disconnect(code))
        away.client.check_msg()
    away.up(RESUMED)
    pass_time(away, 1)
    assert away.statuses == [(pid, SREJECTED)]


def test_a_kept_request_that_a_new_broker_does_not_take_is_refused(away):
    large = away.client.subscribe("f" * 100, 1)
    good = away.client.publish("a", "x", qos=1)
    away.up(wire5.connack(pairs=[(0x27, 50)]))
    pass_time(away, 1)
    assert away.statuses == [(large, SFAILED)]
    assert away.five.reason == 0x95
    assert [p["pid"] for p in away.sent() if "pid" in p] == [good]
    assert away.client.is_connected()


def test_a_kept_request_that_is_refused_is_not_told_while_another_is_made(away):
    large = away.client.subscribe("f" * 100, 1)
    asked = []

    def connected(up):
        asked.append(away.client.subscribe("g", 1))
        assert away.statuses == []

    away.client.set_callback_connection(connected)
    away.ups = [True]
    away.up(wire5.connack(pairs=[(0x27, 50)]))
    pass_time(away, 1)
    assert away.statuses == [(large, SFAILED)]
    assert [p["pid"] for p in away.sent() if "pid" in p] == asked


def test_a_message_that_the_broker_has_is_released_whatever_its_expiry_and_size_are(away):
    away.up(RESUMED)
    pid = away.client.publish(Topic("t" * 100, expiry=1), "x", qos=2)
    away.take(wire5.ack(0x50, pid))
    away.go_down()
    away.sent()
    away.clock.advance(5_000)
    away.up(wire5.connack(present=1, pairs=[(0x27, 50)]))
    pass_time(away, 1)
    assert [(p["first"], p["pid"]) for p in away.sent() if "pid" in p] == [(0x62, pid)]
    away.take(wire5.ack(0x70, pid))
    assert away.statuses == [(pid, SDELIVERED)]


@pytest.mark.mqtt5("MQTT-3.3.4-7", "MQTT-3.3.4-8", "MQTT-4.9.0-2")
def test_receive_maximum(away):
    pids = [away.client.publish("a", "x", qos=1) for _ in range(5)]
    away.up(wire5.connack(pairs=[(0x21, 2)]))
    pass_time(away, 1)
    assert [p["pid"] for p in away.published()] == pids[:2]
    away.take(wire5.ack(0x40, pids[0], 0x10))
    assert [p["pid"] for p in away.published()] == pids[2:3]
    away.client.subscribe("b")
    assert away.sent()[0]["first"] == 0x82  # is not held back [3.3.4-8]
    away.go_down()
    away.up(RESUMED)
    pass_time(away, 1)
    assert len(away.published()) == 4


def test_another_client_with_the_same_store_has_its_whole_window(away):
    away.up(wire5.connack(pairs=[(0x21, 2)]))
    pids = [away.client.publish("a", "x", qos=1) for _ in range(5)]
    away.go_down()
    b = Robust(session=away.client.session)
    b.up(RESUMED)
    pass_time(b, 1)
    assert [p["pid"] for p in b.published()] == pids


@pytest.mark.mqtt5("MQTT-4.9.0-1")
def test_before_the_first_connack_one_message_is_in_flight():
    a = Robust()
    for _ in range(3):
        a.client.publish("a", "x", qos=1)
    a.client.connect()
    assert [p["first"] for p in a.sent()] == [0x10, 0x32]


@pytest.mark.mqtt5("MQTT-4.4.0-2")
def test_a_message_that_is_refused_is_forgotten(away):
    away.up(RESUMED)
    one = away.client.publish("a", "x", qos=1)
    two = away.client.publish("a", "x", qos=2)
    away.take(wire5.ack(0x40, one, 0x87) + wire5.ack(0x50, two, 0x97))
    assert away.statuses == [(one, SFAILED), (two, SFAILED)]
    assert away.client.session.waiting() == 0
    away.sent()
    away.go_down()
    away.up(RESUMED)
    assert away.published() == []


def test_subscriptions_are_renewed_with_their_options(away):
    away.up(RESUMED)
    options = Options(1, no_local=True, as_published=True, retained=2, identifier=1000)
    pid = away.client.subscribe("a", options)
    away.take(wire5.suback(pid, 1))
    away.go_down()
    away.sent()
    away.up(CONNECTED)
    (p,) = [p for p in away.sent() if p["first"] == 0x82]
    assert (p["options"], p["properties"]) == (0x2D, [(0x0B, 1000)])


def test_a_subscription_in_a_file_has_its_options(tmp_path):
    a = Robust(session=FileSession(str(tmp_path / "s")))
    a.up()
    pid = a.client.subscribe("a", Options(2, True, True, 2, 1000))
    a.take(wire5.suback(pid, 2))
    b = Robust(session=FileSession(str(tmp_path / "s")))
    b.up()
    (p,) = [p for p in b.sent() if p["first"] == 0x82]
    assert (p["options"], p["properties"]) == (0x2E, [(0x0B, 1000)])


def test_a_file_with_subscriptions_of_mqtt_5_is_good_for_mqtt_3_1_1(tmp_path):
    """A program of before is installed again."""
    a = Robust(session=FileSession(str(tmp_path / "s")))
    a.up()
    a.take(wire5.suback(a.client.subscribe("cmd/#", Options(1, no_local=True, retained=2, identifier=7)), 1))
    a.client.session.close()
    again = App(FakeTransport(), robust.MQTTClient, session=FileSession(str(tmp_path / "s")), verbose=False)
    again.transport.feed(b"\x20\2\0\0")
    again.client.connect()
    again.drain()
    assert again.transport.sent.endswith(b"\x82\x0a\0\1\0\5cmd/#\1") and again.client.is_connected()


@pytest.mark.parametrize("code, longest", [(0x8E, True), (0x87, True), (0x8A, True), (0x8B, False), (0, False)])
def test_two_devices_with_one_identifier_do_not_play_ping_pong(code, longest):
    a = Robust(backoff=(1, 60))
    a.up()
    pass_time(a, 5)
    a.transport.feed(wire5.disconnect(code))
    a.client.check_msg()
    assert a.client.last_error.args == (ECONCLOSE, code)
    opens = a.transport.opens
    pass_time(a, 29)
    assert (a.transport.opens == opens) is longest


def test_a_redirection_is_told_and_not_followed():
    a = Robust()
    a.transport.feed(wire5.connack(0x9D, pairs=[(0x1C, b"other:1883")]))
    a.client.connect()
    assert a.client.last_error.args[1] == 0x9D and a.five.properties() == {0x1C: b"other:1883"}
    opens = a.transport.opens
    pass_time(a, 25)
    assert a.transport.opens == opens


def test_a_redirection_of_a_client_that_is_connected_is_told():
    a = Robust()
    a.up()
    a.transport.feed(wire5.disconnect(0x9C, [(0x1C, b"other:1883")]))
    a.client.check_msg()
    assert a.client.last_error.args == (ECONCLOSE, 0x9C) and a.five.properties() == {0x1C: b"other:1883"}


def test_a_stream_has_properties_and_expires():
    away = Robust()
    away.up()
    away.go_down()
    away.sent()
    data = bytes(range(250)) * 4
    sent = away.client.publish(Topic("a", expiry=60, content="raw"), io.BytesIO(data), qos=1, length=1000)
    late = away.client.publish(Topic("b", expiry=5), io.BytesIO(data), qos=1, length=1000)
    away.clock.advance(10_000)
    away.up(RESUMED)
    pass_time(away, 1)
    (p,) = away.published()
    assert (p["topic"], p["pid"], p["payload"]) == (b"a", sent, data)
    assert p["properties"][1] == (3, b"raw") and p["properties"][0][1] <= 50
    assert away.statuses == [(late, STIMEOUT)]


def test_an_old_broker_is_tried_again_seldom():
    a = Robust()
    a.transport.feed(b"\x20\x02\0\x01")
    a.client.connect()
    assert a.client.last_error.args[0] == ECONPROTOCOL
    opens = a.transport.opens
    pass_time(a, 25)
    assert a.transport.opens == opens


@pytest.mark.mqtt5("MQTT-3.3.2-7")
def test_aliases_are_told_anew_on_each_connection():
    a = Robust(V5(aliases=2))
    a.up(wire5.connack(pairs=[(0x22, 2)]))
    for _ in range(2):
        a.client.publish("a", "x", qos=1)
    assert [(p["topic"], p["properties"]) for p in a.published()] == [(b"a", [(0x23, 1)]), (b"", [(0x23, 1)])]
    a.go_down()
    a.up(wire5.connack(present=1, pairs=[(0x22, 2)]))
    pass_time(a, 1)
    assert [(p["topic"], p["properties"]) for p in a.published()] == [(b"a", [(0x23, 1)]), (b"", [(0x23, 1)])]
