"""MQTT 5: identifiers, delivery at QoS 0 to 2, sessions and limits [2.2.1, 3.2, 3.3, 4]."""

from __future__ import annotations

import pytest

from tests.conformance.test_qos2 import pubrels_have_the_order_of_their_pubrecs
from tests.unit import wire5
from umqtt2 import MQTTException, errno
from umqtt2.session.memory import MemorySession
from umqtt2.session.qos2 import QoS2Session
from umqtt2.v5 import V5, Topic

CONNACK = wire5.connack()
RESUMED = wire5.connack(present=1)
PUBACK, PUBREC, PUBREL, PUBCOMP = 0x40, 0x50, 0x62, 0x70

stores = pytest.mark.parametrize("store", [QoS2Session, MemorySession])


def answer(first: int, *pids: int) -> bytes:
    return b"".join(wire5.ack(first, pid) for pid in pids)


def again(app, connack=RESUMED, clean_session=False):
    """Lose the connection, and connect again."""
    app.transport.ended = True
    with pytest.raises(MQTTException):
        app.client.check_msg()
    app.transport.ended = False
    app.transport.incoming.clear()
    app.transport.feed(connack)
    app.connect(clean_session)
    app.drain()


def sent(app) -> list[dict]:
    found = wire5.parse_all(bytes(app.transport.sent))
    app.forget_sent()
    return found


# --- Identifiers --------------------------------------------------------------------------------------


@pytest.mark.mqtt5("MQTT-2.2.1-3")
def test_identifiers_go_from_1_to_65535_and_begin_again(scripted5):
    app = scripted5()
    pids = []
    for _ in range(65536):
        app.forget_sent()
        pid = app.client.unsubscribe("t")
        assert app.transport.sent == b"\xa2\x06" + pid.to_bytes(2, "big") + b"\0\0\x01t"
        app.transport.feed(b"\xb0\x04" + pid.to_bytes(2, "big") + b"\0\0")
        app.client.check_msg()
        pids.append(pid)
    assert pids == [*range(1, 65536), 1]


@pytest.mark.mqtt5("MQTT-2.2.1-3", "MQTT-4.3.2-1", "MQTT-4.3.3-1", "MQTT-4.3.2-3", "MQTT-4.3.3-5")
def test_what_waits_keeps_its_identifier_from_all_others(scripted5):
    app = scripted5(message_timeout=100_000)
    calls = (
        lambda: app.client.publish("t", "m", qos=1),
        lambda: app.client.subscribe("t", 1),
        lambda: app.client.unsubscribe("t"),
        lambda: app.client.publish("t", "m", qos=2),
    )
    held = [call() for call in calls]
    app.transport.feed(answer(PUBREC, held[3]))
    for i in range(65536):
        pid = calls[i % 3]()
        assert pid not in held and pid
        first = (b"\x40\x02", b"\x90\x04", b"\xb0\x04")[i % 3]
        app.transport.feed(first + pid.to_bytes(2, "big") + b"\0\0" * (i % 3 > 0))
        app.client.check_msg()
        app.forget_sent()


@pytest.mark.mqtt5("MQTT-2.2.1-2", "MQTT-3.3.4-1")
def test_a_message_at_qos_0_has_no_identifier_and_no_answer(scripted5):
    app = scripted5(b"\x30\x07\x00\x01t\0\x00\x01m")
    app.drain()
    assert app.messages == [(b"t", b"\x00\x01m", False, False)]
    assert app.transport.sent == b""


@pytest.mark.mqtt5("MQTT-2.2.1-3")
@pytest.mark.parametrize("first", [0x32, 0x34])
def test_a_message_without_an_identifier_ends_the_connection(ended5, first):
    assert ended5(bytes([first]) + b"\7\0\1t\0\0\0m", 0x82).messages == []


# --- QoS 1 --------------------------------------------------------------------------------------------


@stores
@pytest.mark.mqtt5("MQTT-4.3.2-1", "MQTT-4.3.2-2", "MQTT-4.3.2-3")
def test_a_message_at_qos_1_is_delivered_when_its_puback_comes(scripted5, store):
    app = scripted5(session=store())
    first = app.client.publish("t", "1", qos=1)
    second = app.client.publish("t", "2", qos=1)
    assert app.transport.sent == b"\x32\x07\x00\x01t\x00\x01\x001\x32\x07\x00\x01t\x00\x02\x002"
    app.transport.feed(answer(PUBREC, first) + answer(PUBCOMP, first))  # not what it waits for
    app.drain()
    assert errno.SDELIVERED not in dict(app.statuses).values()
    app.statuses.clear()
    app.transport.feed(wire5.ack(PUBACK, second))
    app.drain()
    assert app.statuses == [(second, errno.SDELIVERED)]
    app.transport.feed(wire5.ack(PUBACK, first, 0x10))
    app.drain()
    assert app.statuses == [(second, errno.SDELIVERED), (first, errno.SDELIVERED)]


@stores
@pytest.mark.mqtt5("MQTT-2.2.1-5", "MQTT-3.3.4-1", "MQTT-4.3.2-4", "MQTT-4.6.0-2", "MQTT-4.6.0-3", "MQTT-4.3.3-8")
def test_answers_have_the_identifiers_and_the_order_of_their_messages(scripted5, store):
    pids = [7, 3, 0xFFFF, 5, 1, 0x100]
    qos = {pid: 1 if pid & 2 else 2 for pid in pids}
    data = b"".join(wire5.publish(b"t", b"%d" % pid, pid, qos[pid]) for pid in pids)
    app = scripted5(data, session=store())
    app.drain()
    assert [msg for _, msg, *_ in app.messages] == [b"%d" % pid for pid in pids]
    assert app.transport.sent == b"".join(answer(PUBACK if qos[pid] == 1 else PUBREC, pid) for pid in pids)


@stores
@pytest.mark.mqtt5("MQTT-4.3.2-5")
@pytest.mark.parametrize("flags", [0, 8])
def test_after_its_puback_an_identifier_means_a_new_message(scripted5, store, flags):
    app = scripted5(wire5.publish(b"t", b"1", 7, 1) + wire5.publish(b"t", b"1", 7, 1, flags=flags), session=store())
    app.drain()
    assert [msg for _, msg, *_ in app.messages] == [b"1", b"1"]
    assert app.transport.sent == answer(PUBACK, 7, 7)


@pytest.mark.mqtt5("MQTT-4.5.0-2")
@pytest.mark.parametrize("qos, first", [(1, PUBACK), (2, PUBREC)])
def test_what_the_client_does_not_want_is_acknowledged(scripted5, qos, first):
    def callback(*args):
        raise ValueError("mine")

    app = scripted5(wire5.publish(b"t", b"x" * 100, 7, qos), max_packet=50)  # too large
    app.drain()
    assert app.transport.sent == answer(first, 7)
    app = scripted5(wire5.publish(b"t", b"m", 7, qos))
    app.client.set_callback(None)
    app.drain()
    assert app.transport.sent == answer(first, 7)
    assert app.statuses == [(0, errno.SDROPPED)]
    app = scripted5(wire5.publish(b"t", b"m", 7, qos))
    app.client.set_callback(callback)
    with pytest.raises(ValueError, match="mine"):
        app.drain()
    assert app.transport.sent == answer(first, 7)
    assert app.transport.is_open


# --- QoS 2 --------------------------------------------------------------------------------------------


@stores
@pytest.mark.mqtt5(
    "MQTT-2.2.1-5", "MQTT-3.6.1-1", "MQTT-4.3.3-1", "MQTT-4.3.3-2", "MQTT-4.3.3-3", "MQTT-4.3.3-4", "MQTT-4.3.3-5"
)
def test_the_way_of_a_message_that_is_published(scripted5, store):
    app = scripted5(session=store())
    pid = app.client.publish("t", "m", retain=True, qos=2)
    assert app.transport.sent == b"\x35\x07\x00\x01t\x00\x01\0m"
    app.forget_sent()
    app.transport.feed(answer(PUBCOMP, pid))  # not what it waits for
    app.drain()
    assert app.transport.sent == b"" and errno.SDELIVERED not in dict(app.statuses).values()
    app.statuses.clear()
    app.transport.feed(wire5.ack(PUBREC, pid, 0x10))
    app.drain()
    assert app.transport.sent == b"\x62\x02\x00\x01"
    assert app.statuses == []
    app.forget_sent()
    app.transport.feed(wire5.ack(PUBCOMP, pid))
    app.drain()
    assert app.transport.sent == b""
    assert app.statuses == [(pid, errno.SDELIVERED)]


@stores
@pytest.mark.mqtt5("MQTT-2.2.1-5", "MQTT-4.3.3-8", "MQTT-4.3.3-10", "MQTT-4.3.3-11", "MQTT-4.3.3-12")
@pytest.mark.parametrize("flags", [0, 8])
def test_the_way_of_a_message_that_comes(scripted5, store, flags):
    app = scripted5(wire5.publish(b"t", b"m", 0x1234, 2), session=store())
    app.drain()
    assert app.messages == [(b"t", b"m", False, False)]
    assert app.transport.sent == b"\x50\x02\x12\x34"
    app.forget_sent()
    app.transport.feed(wire5.publish(b"t", b"m", 0x1234, 2, flags=8))
    app.drain()
    assert len(app.messages) == 1
    assert app.transport.sent == b"\x50\x02\x12\x34"
    app.forget_sent()
    app.transport.feed(wire5.ack(PUBREL, 0x1234))
    app.drain()
    assert app.transport.sent == b"\x70\x02\x12\x34"
    app.transport.feed(wire5.publish(b"t", b"m", 0x1234, 2, flags=flags))
    app.drain()
    assert len(app.messages) == 2


@stores
@pytest.mark.mqtt5("MQTT-4.6.0-4")
@pytest.mark.parametrize("order", [[1, 2, 3, 4], [4, 2, 1, 3]])
def test_pubrels_have_the_order_of_their_pubrecs(scripted5, store, order):
    pubrels_have_the_order_of_their_pubrecs(scripted5(session=store()), order, answer)


@pytest.mark.mqtt5("MQTT-4.3.3-7", "MQTT-4.3.3-6")
def test_a_message_that_was_sent_does_not_expire(scripted5):
    app = scripted5(clean_session=False, session=MemorySession(), message_timeout=100_000)
    pid = app.client.publish(Topic("t", expiry=5), "m", qos=2)
    app.clock.advance(60_000)
    again(app)
    (publish,) = sent(app)
    assert (publish["first"], publish["pid"]) == (0x3C, pid)
    app.transport.feed(answer(PUBREC, pid))
    app.drain()
    assert app.transport.sent == answer(PUBREL, pid)
    app.forget_sent()
    app.clock.advance(60_000)
    again(app)
    assert app.transport.sent == answer(PUBREL, pid)  # and no PUBLISH
    app.transport.feed(answer(PUBCOMP, pid))
    app.drain()
    assert app.statuses == [(pid, errno.SDELIVERED)]


@stores
@pytest.mark.mqtt5("MQTT-4.3.3-13")
def test_a_message_that_has_expired_is_acknowledged_to_the_end(scripted5, store):
    app = scripted5(wire5.publish(b"t", b"m", 7, 2, [(2, 1)]), session=store())
    app.drain()
    app.clock.advance(60_000)
    app.transport.feed(wire5.publish(b"t", b"m", 7, 2, [(2, 1)], flags=8) + answer(PUBREL, 7))
    app.drain()
    assert app.transport.sent == answer(PUBREC, 7, 7) + answer(PUBCOMP, 7)


# --- Refusals -----------------------------------------------------------------------------------------


@stores
@pytest.mark.mqtt5("MQTT-4.4.0-2", "MQTT-4.3.3-4")
def test_a_message_that_was_refused_is_not_sent_again(scripted5, store):
    app = scripted5(clean_session=False, session=store())
    pids = [app.client.publish("t", "m", qos=qos) for qos in (1, 2)]
    app.forget_sent()
    app.transport.feed(wire5.ack(PUBACK, pids[0], 0x97) + wire5.ack(PUBREC, pids[1], 0x87))
    app.drain()
    assert app.statuses == [(pid, errno.SFAILED) for pid in pids]
    assert app.transport.sent == b""
    again(app)
    assert app.transport.sent == b""


# --- Sessions -----------------------------------------------------------------------------------------


@pytest.mark.mqtt5("MQTT-3.3.1-1", "MQTT-4.4.0-1", "MQTT-4.6.0-1", "MQTT-3.1.2-23", "MQTT-4.3.3-6")
@pytest.mark.parametrize("five", [{}, {"expiry": 60}])
def test_the_bytes_that_are_sent_again(scripted5, five):
    app = scripted5(clean_session=False, session=MemorySession(), five=V5(largest=0, **five))
    for i, qos in enumerate((1, 2, 2, 1)):
        app.client.publish("t", b"%d" % i, qos=qos)
    app.transport.feed(answer(PUBREC, 2))
    app.drain()
    app.clock.advance(5000)
    app.forget_sent()
    app.drain()
    assert app.transport.sent == b""  # at no other time
    app.client.disconnect()
    app.transport.feed(RESUMED)
    app.connect(clean_session=False)
    app.client.check_msg()
    assert app.transport.sent == (
        b"\x3a\x07\x00\x01t\x00\x01\x000"
        b"\x62\x02\x00\x02"
        b"\x3c\x07\x00\x01t\x00\x03\x002"
        b"\x3a\x07\x00\x01t\x00\x04\x003"
    )


@pytest.mark.mqtt5("MQTT-3.1.2-4", "MQTT-3.2.2-5")
@pytest.mark.parametrize("clean", [True, False])
def test_a_new_session_gets_what_is_kept_as_new_messages(scripted5, clean):
    app = scripted5(clean_session=False, session=MemorySession())
    app.client.publish("t", "1", qos=1)
    app.client.publish("t", "2", qos=2)
    app.transport.feed(answer(PUBREC, 2) + wire5.publish(b"t", b"m", 7, 2))
    app.drain()
    app.client.disconnect()
    app.transport.feed(CONNACK)
    app.connect(clean)
    app.client.check_msg()
    assert app.transport.sent == b"\x32\x07\x00\x01t\x00\x01\x001" b"\x34\x07\x00\x01t\x00\x02\x002"
    app.forget_sent()
    app.transport.feed(wire5.publish(b"t", b"m", 7, 2))
    app.drain()
    assert len(app.messages) == 2


@pytest.mark.mqtt5("MQTT-3.1.2-23")
@pytest.mark.parametrize("clean, wanted", [(True, []), (False, [(0x11, 0xFFFFFFFF)])])
def test_a_session_is_asked_for_or_not(scripted5, clean, wanted):
    app = scripted5()
    app.client.disconnect()
    app.forget_sent()
    app.transport.feed(CONNACK)
    app.client.connect(clean)
    (connect,) = sent(app)
    assert (connect["clean"], connect["properties"]) == (clean, wanted)


@stores
@pytest.mark.mqtt5("MQTT-4.1.0-1")
def test_what_is_in_flight_is_known_as_long_as_the_connection_lasts(scripted5, store):
    app = scripted5(message_timeout=1000, session=store())
    pids = [app.client.publish("t", "m", qos=1 + i % 2) for i in range(20)]
    app.transport.feed(wire5.publish(b"t", b"m", 7, 2))
    app.drain()
    app.clock.advance(999_000)
    app.transport.feed(wire5.publish(b"t", b"m", 7, 2, flags=8))
    for i, pid in reversed([*enumerate(pids)]):
        app.transport.feed(answer(PUBREC, pid) + answer(PUBCOMP, pid) if i % 2 else answer(PUBACK, pid))
    app.drain()
    assert app.statuses == [(pid, errno.SDELIVERED) for pid in reversed(pids)]
    assert len(app.messages) == 1


# --- Leaving ------------------------------------------------------------------------------------------


@pytest.mark.mqtt5("MQTT-3.14.4-1", "MQTT-3.14.4-2")
@pytest.mark.parametrize("reason", [None, 4])
def test_after_disconnect_the_connection_is_closed_and_nothing_is_sent(scripted5, reason):
    app = scripted5(wire5.publish(b"t", b"m", 7, 1), keepalive=1)
    app.client.publish("t", "m", qos=1)
    app.forget_sent()
    if reason:
        app.five.disconnect(app.client, reason)
    else:
        app.client.disconnect()
    packet = bytes(app.transport.sent)
    assert packet == (b"\xe0\1\4" if reason else b"\xe0\0")
    assert not app.transport.is_open
    app.clock.advance(100_000)
    assert app.is_not_connected()
    app.client.disconnect()
    assert app.transport.sent == packet


@pytest.mark.mqtt5("MQTT-3.14.4-1", "MQTT-3.14.4-2")
def test_after_what_breaks_mqtt_nothing_is_sent_but_disconnect(ended5):
    app = ended5(b"\xf1\0" + wire5.publish(b"t", b"m", 7, 1), 0x81)
    with pytest.raises(MQTTException):
        app.client.check_msg()
    assert app.transport.sent == b"\xe0\1\x81"


# --- Limits of the broker -----------------------------------------------------------------------------


@stores
@pytest.mark.mqtt5("MQTT-3.2.2-11", "MQTT-3.2.2-14", "MQTT-3.2.2-15")
def test_what_the_broker_does_not_take_is_not_sent(scripted5, store):
    app = scripted5(session=store(), connack=wire5.connack(pairs=[(0x24, 1), (0x25, 0), (0x27, 50)]))
    for call, code in (
        (lambda: app.client.publish("t", "m", qos=2), 0x9B),
        (lambda: app.client.publish("t", "m", True), 0x9A),
        (lambda: app.client.publish("t", "m", True, 1), 0x9A),
        (lambda: app.client.publish("t", bytes(46)), 0x95),
        (lambda: app.client.publish("t", bytes(44), qos=1), 0x95),
        (lambda: app.client.publish(Topic("t", user=[("k", "v" * 40)]), ""), 0x95),
        (lambda: app.client.subscribe("t" * 45), 0x95),
        (lambda: app.client.unsubscribe("t" * 45), 0x95),
    ):
        with pytest.raises(MQTTException) as caught:
            call()
        assert caught.value.args == (errno.ELIMIT, code)
    assert app.transport.sent == b""
    app.client.publish("t", bytes(44))
    assert len(app.transport.sent) == 50


@pytest.mark.mqtt5("MQTT-3.2.2-17", "MQTT-3.2.2-18", "MQTT-3.3.2-7", "MQTT-3.3.2-8", "MQTT-3.3.2-9")
@pytest.mark.parametrize("limit", [None, 0, 1, 2, 5])
def test_aliases_are_those_that_the_broker_takes_on_this_connection(scripted5, limit):
    connack = wire5.connack(pairs=[] if limit is None else [(0x22, limit)])
    app = scripted5(connack=connack, five=V5(aliases=3, largest=0))
    for _ in range(2):
        known: dict[int, bytes] = {}
        for topic in (b"a", b"b", b"c", b"d", b"c", b"b", b"a"):
            app.client.publish(topic, "m")
            (publish,) = sent(app)
            alias = dict(publish["properties"]).get(0x23)
            if alias is None:
                assert publish["topic"] == topic
            else:
                assert 1 <= alias <= (limit or 0)
                assert known.setdefault(alias, publish["topic"]) == topic
        assert len(known) == min(limit or 0, 3)
        app.client.disconnect()
        app.transport.feed(connack)
        app.connect()


@stores
@pytest.mark.mqtt5("MQTT-3.3.4-7", "MQTT-4.9.0-1", "MQTT-4.9.0-2")
def test_no_more_is_in_flight_than_the_broker_takes(scripted5, store):
    def publish():
        try:
            app.client.publish("t", "m", qos=1 + len(pids) % 2)
        except MQTTException as e:
            assert e.args[0] == errno.EFULL
        app.drain()
        pids.extend(p["pid"] for p in sent(app) if p["first"] & 0xF0 == 0x30)

    app = scripted5(session=store(), connack=wire5.connack(pairs=[(0x21, 3)]), message_timeout=1000)
    pids: list[int] = []
    for _ in range(10):
        publish()
    assert len(pids) == 3
    app.transport.feed(answer(PUBREC, pids[1]))  # does not count as acknowledged yet
    publish()
    assert len(pids) == 3
    app.transport.feed(answer(PUBACK, pids[0]))
    app.drain()
    publish()
    assert len(pids) == 4
    app.transport.feed(answer(PUBCOMP, pids[1]))
    app.drain()
    publish()
    assert len(pids) == 5


@stores
@pytest.mark.mqtt5("MQTT-3.3.4-8", "MQTT-4.9.0-3")
def test_other_packets_do_not_wait_for_the_broker_s_limit(scripted5, store):
    app = scripted5(session=store(), connack=wire5.connack(pairs=[(0x21, 1)]))
    pid = app.client.publish("t", "m", qos=2)
    app.forget_sent()
    app.client.publish("t", "m")
    app.client.subscribe("t")
    app.client.unsubscribe("u")
    app.client.ping()
    app.transport.feed(wire5.publish(b"t", b"m", 7, 1) + wire5.publish(b"t", b"m", 8, 2) + answer(PUBREL, 8))
    app.transport.feed(answer(PUBREC, pid))
    app.drain()
    assert [p["first"] for p in sent(app)] == [0x30, 0x82, 0xA2, 0xC0, PUBACK, PUBREC, PUBCOMP, PUBREL]
    assert len(app.messages) == 2
