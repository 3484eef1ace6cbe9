"""A session store that keeps messages: they are sent again after a reconnect [4.4]."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit import wire
from tests.unit.program import App
from umqtt2 import MQTTClient, MQTTException, errno, robust
from umqtt2.session.file import FileSession
from umqtt2.session.memory import MemorySession
from umqtt2.testing import FakeBroker

PUBACK, PUBREC, PUBREL, PUBCOMP = 0x40, 0x50, 0x62, 0x70


@pytest.fixture
def a(scripted):
    return scripted(session=MemorySession())


def connect(a, present=1, clean=False):
    a.client.disconnect()
    a.transport.feed(wire.connack(present))
    a.client.connect(clean)
    a.forget_sent()


def reconnect(a, present=1, clean=False):
    """Connect again; return what is sent because of it."""
    connect(a, present, clean)
    a.client.check_msg()
    return bytes(a.transport.sent)


@pytest.mark.mqtt("MQTT-2.3.1-3", "MQTT-3.3.1-1", "MQTT-4.4.0-1", "MQTT-4.6.0-1")
def test_in_the_original_order_with_dup_and_the_same_identifiers(a):
    for i in range(3):
        assert a.client.publish(f"t{i}", b"m", bool(i), qos=1 + i % 2) == i + 1
    assert reconnect(a) == (
        wire.publish(b"t0", b"m", 1, 1, dup=True)
        + wire.publish(b"t1", b"m", 2, 2, dup=True, retain=True)
        + wire.publish(b"t2", b"m", 1, 3, dup=True, retain=True)
    )


def test_what_was_acknowledged_is_not_sent_again(a):
    for _ in range(3):
        a.client.publish("t", b"m", qos=1)
    a.transport.feed(wire.ack(PUBACK, 2))
    a.drain()
    assert a.statuses == [(2, errno.SDELIVERED)]
    assert reconnect(a) == wire.publish(b"t", b"m", 1, 1, dup=True) + wire.publish(
        b"t", b"m", 1, 3, dup=True
    )


@pytest.mark.mqtt("MQTT-4.3.3-1", "MQTT-4.4.0-1")
def test_pubrel_where_pubrec_had_come(a):
    a.client.publish("t", b"m", qos=2)
    a.transport.feed(wire.ack(PUBREC, 1))
    a.drain()
    assert reconnect(a) == wire.ack(PUBREL, 1)
    a.transport.feed(wire.ack(PUBCOMP, 1))
    a.drain()
    assert a.statuses == [(1, errno.SDELIVERED)]
    assert reconnect(a) == b""


def test_a_broker_that_answers_before_it_is_asked_again(a):
    a.client.publish("t", b"m", qos=2)
    a.client.disconnect()
    a.transport.feed(wire.connack(1) + wire.ack(PUBREC, 1))
    a.client.connect(False)
    a.forget_sent()
    a.drain()
    assert a.transport.sent == wire.ack(PUBREL, 1)
    a.transport.feed(wire.ack(PUBCOMP, 1))
    a.drain()
    assert a.statuses == [(1, errno.SDELIVERED)]


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.mqtt("MQTT-3.1.2-6")
def test_as_new_when_the_broker_has_not_kept_the_session(a, clean):
    a.client.publish("t", b"1", qos=1)
    a.client.publish("t", b"2", True, qos=2)
    a.transport.feed(wire.ack(PUBREC, 2))
    a.drain()
    assert reconnect(a, 0, clean) == wire.publish(b"t", b"1", 1, 1) + wire.publish(
        b"t", b"2", 2, 2, retain=True
    )


def test_subscriptions_are_renewed_when_the_broker_has_not_kept_the_session(app):
    a = app(session=MemorySession())
    a.connect(False)
    a.client.subscribe("one", 1)
    a.client.subscribe("two")
    a.client.subscribe("three")
    a.client.unsubscribe("three")
    a.drain()
    a.statuses.clear()
    a.transport.forget()
    a.transport.drop()
    with pytest.raises(MQTTException):
        a.drain()
    a.connect(False)
    a.drain()
    assert a.transport.subscriptions == {b"one": 1, b"two": 0}
    assert a.statuses == []


def test_a_renewal_that_is_refused_is_told(app):
    a = app(session=MemorySession())
    a.connect(False)
    a.client.subscribe("one", 1)
    a.drain()
    a.statuses.clear()
    a.transport.forget()
    a.transport.refused.add(b"one")
    a.client.disconnect()
    a.connect(False)
    a.drain()
    assert [status for _, status in a.statuses] == [errno.SFAILED]
    assert a.client.session.subscriptions == {}


def test_a_refused_subscription_is_not_renewed(app):
    a = app(session=MemorySession())
    a.connect(False)
    a.transport.refused.add(b"one")
    pid = a.client.subscribe("one", 1)
    a.drain()
    assert a.statuses == [(pid, errno.SFAILED)]
    assert a.client.session.subscriptions == {}


def test_a_subscription_in_flight_is_asked_for_again(a):
    a.client.subscribe("t", 1)
    a.client.unsubscribe("u")
    sent = bytes(a.transport.sent)
    assert reconnect(a) == sent
    assert reconnect(a, 0) == sent


def test_a_subscription_that_is_not_answered_times_out_and_is_forgotten(scripted):
    a = scripted(session=MemorySession(), message_timeout=2)
    pid = a.client.subscribe("t", 1)
    a.clock.advance(1990)
    a.client.check_msg()
    assert a.statuses == []
    a.clock.advance(150)
    a.client.check_msg()
    assert a.statuses == [(pid, errno.STIMEOUT)]
    assert reconnect(a, 0) == b""


@pytest.mark.mqtt("MQTT-4.1.0-1", "MQTT-4.3.2-1")
def test_a_message_that_is_kept_never_times_out(scripted):
    a = scripted(session=MemorySession(), message_timeout=2)
    a.client.publish("t", "m", qos=1)
    a.clock.advance(1 << 20)
    a.client.check_msg()
    assert a.statuses == []
    assert reconnect(a) == wire.publish(b"t", b"m", 1, 1, dup=True)


def test_new_messages_wait_for_those_that_are_older(scripted):
    a = scripted(session=MemorySession(limit=30))
    for i in range(20):
        a.client.publish("t", b"%d" % i, qos=1)
    connect(a)
    a.client.publish("t", b"20", qos=1)
    for _ in range(5):
        a.client.check_msg()
    expected = [wire.publish(b"t", b"%d" % i, 1, i + 1, dup=i < 20) for i in range(21)]
    assert a.transport.sent == b"".join(expected[:20])  # as many as may be in flight
    a.transport.feed(wire.ack(PUBACK, 7))
    a.drain()
    assert a.transport.sent == b"".join(expected)


def test_a_full_store_says_so_and_keeps_what_it_has(scripted):
    a = scripted(session=MemorySession(limit=2))
    a.client.publish("t", b"1", qos=1)
    a.client.publish("t", b"2", qos=2)
    a.forget_sent()
    with pytest.raises(MQTTException) as caught:
        a.client.publish("t", b"3", qos=1)
    assert caught.value.args[0] == errno.EFULL
    assert a.transport.sent == b""
    a.client.publish("t", b"qos 0 needs no room")
    a.client.subscribe("nor", 1)
    a.transport.feed(wire.ack(PUBACK, 1))
    a.drain()
    a.client.publish("t", b"3", qos=1)


def test_a_message_that_raises_was_not_taken(scripted):
    a = scripted(session=MemorySession())
    a.transport.fail_write = OSError(104)
    with pytest.raises(OSError):
        a.client.publish("t", b"m", qos=1)
    assert a.client.session.waiting() == 0
    assert reconnect(a) == b""
    a.client.disconnect()
    with pytest.raises(MQTTException):
        a.client.publish("t", b"m", qos=1)
    assert a.client.session.waiting() == 0


def test_the_program_may_change_its_buffer(scripted):
    a = scripted(session=MemorySession())
    payload = bytearray(b"before")
    a.client.publish("t", payload, qos=1)
    payload[:] = b"after!"
    assert reconnect(a) == wire.publish(b"t", b"before", 1, 1, dup=True)


def test_dup_is_only_for_what_was_sent(scripted):
    a = scripted(session=MemorySession(limit=30))
    for i in range(12):
        a.client.publish("t", b"%d" % i, qos=1)
    # Cut off again while sending again: the last ones were not sent in this session a second time,
    # but they were before.
    connect(a, 0)
    a.transport.fail_write = OSError(104)
    with pytest.raises(OSError):
        a.client.check_msg()
    # The broker has kept nothing at first, so what it has not seen since is new.
    connect(a, 1)
    for _ in range(3):
        a.client.check_msg()
    assert a.transport.sent == b"".join(wire.publish(b"t", b"%d" % i, 1, i + 1) for i in range(12))


def test_a_renewal_that_is_not_answered_is_asked_for_with_the_next_connection(scripted):
    a = scripted(session=MemorySession(), message_timeout=2)
    a.client.subscribe("t", 1)
    a.transport.feed(wire.suback(1, 1))
    a.drain()
    a.statuses.clear()
    sent = reconnect(a, 0)
    assert sent.startswith(b"\x82")
    a.clock.advance(5000)
    a.client.check_msg()
    assert a.statuses == []
    assert reconnect(a, 1)[:1] == b"\x82"


def test_a_subscribe_that_raises_leaves_the_one_that_waits(a):
    pid = a.client.subscribe("t", 1)
    connect(a)
    a.transport.fail_write = OSError(104)
    with pytest.raises(OSError):
        a.client.subscribe("t", 0)
    # The last wish is asked for, and both are told.
    assert reconnect(a) == b"\x82\x06" + pid.to_bytes(2, "big") + b"\0\x01t\0"
    a.transport.feed(wire.suback(pid, 0))
    a.drain()
    assert a.statuses == [(pid, errno.SDELIVERED)]
    assert a.client.session.subscriptions == {b"t": 0}


# --- The window [MQTT brokers keep as many in flight, 20 as a rule, and drop what is more] -------------


class Windowed(FakeBroker):
    """A broker that drops what is more than its window, as mosquitto does: acknowledged, and gone."""

    window = 20
    most = 0

    def __init__(self):
        super().__init__()
        self.in_flight = set()
        self.waiting = []  # what it has yet to answer
        self.slow = True

    def _answer(self, first, body):
        if first & 0xF6 in (0x32, 0x34):
            n = body[0] << 8 | body[1]
            self.in_flight.add(body[n + 2 : n + 4])
            self.most = max(self.most, len(self.in_flight))
        if first in (0x10, 0xE0) or not self.slow:
            super()._answer(first, body)
        else:
            self.waiting.append((first, body))

    def answer(self, rng):
        """Answer one packet."""
        if self.waiting:
            super()._answer(*self.waiting.pop(rng.randrange(len(self.waiting)) if rng else 0))

    def _ack(self, first, pid, code=0):
        if first in (PUBACK, PUBCOMP):
            self.in_flight.discard(pid.to_bytes(2, "big"))
        super()._ack(first, pid, code)


def keeping(kind, tmp_path):
    return FileSession(str(tmp_path / "s"), limit=50) if kind == "file" else MemorySession(limit=50)


@pytest.mark.parametrize("kind", ["memory", "file"])
@pytest.mark.parametrize("make", [MQTTClient, robust.MQTTClient])
@pytest.mark.parametrize("cuts", [0, 3])
@pytest.mark.parametrize("levels", [[1], [2], [1, 2]])
def test_never_more_than_20_messages_are_unanswered_and_all_of_50_arrive(
    app, tmp_path, kind, make, cuts, levels
):
    rng = random.Random(1)
    a = app(Windowed(), make=make, session=keeping(kind, tmp_path))
    a.connect(False)
    broker = a.transport
    pids = [a.client.publish("t", b"%d" % i, qos=rng.choice(levels)) for i in range(50)]
    with pytest.raises(MQTTException):
        a.client.publish("t", "one more", qos=1)
    steps = 0
    while len(a.statuses) < 50:
        broker.answer(rng if not cuts else None)
        a.client.check_msg()
        steps += 1
        assert steps < 5000
        if cuts and steps % 40 == 0:
            cuts -= 1
            broker.waiting.clear()
            broker.in_flight.clear()
            a.client.disconnect()
            a.client.connect(False)
    assert broker.most == 20
    assert sorted(a.statuses) == [(pid, errno.SDELIVERED) for pid in sorted(pids)]
    assert {m[1] for m in broker.published} == {b"%d" % i for i in range(50)}


@pytest.mark.parametrize("qos", [1, 2])
def test_where_no_messages_are_kept_the_21st_is_refused(app, qos):
    a = app(Windowed())
    a.connect()
    pids = [a.client.publish("t", "m", qos=qos) for _ in range(20)]
    for _ in range(2):
        with pytest.raises(MQTTException) as caught:
            a.client.publish("t", "m", qos=qos)
        assert caught.value.args[0] == errno.EFULL
    while not a.statuses:
        a.transport.answer(None)
        a.client.check_msg()
    assert a.statuses == [(pids[0], errno.SDELIVERED)]
    assert a.client.publish("t", "m", qos=qos)
    assert a.transport.most == 20


# --- PUBREL that is not answered -----------------------------------------------------------------------


class NoPubcomp(FakeBroker):
    """Some brokers know no PUBREL, as amqtt, or close for it, as rumqttd."""

    closes = False
    pubrels = 0

    def _answer(self, first, body):
        if first == PUBREL:
            self.pubrels += 1
            if self.closes:
                self.drop()
        elif not self.ended:
            super()._answer(first, body)


@pytest.mark.parametrize("kind", ["memory", "file"])
@pytest.mark.parametrize("closes", [False, True], ids=["silent", "closes"])
def test_a_broker_that_answers_no_pubrel_has_the_message_and_its_place_gets_free(
    app, tmp_path, kind, closes
):
    a = app(NoPubcomp(), make=robust.MQTTClient, session=keeping(kind, tmp_path), message_timeout=10)
    a.transport.closes = closes
    a.client.connect()
    pids = []
    for i in range(3):
        pids.append(a.client.publish("t", b"%d" % i, qos=2))
        pids.append(a.client.publish("t", b"%d" % i, qos=1))
    begin = a.clock.now
    while a.client.session.waiting():
        a.clock.advance(100)
        a.client.check_msg()
        assert a.clock.now - begin < 3600 * 1000
    for _ in range(100):
        a.clock.advance(100)
        a.client.check_msg()
    assert sorted(a.statuses) == [(pid, errno.SDELIVERED) for pid in sorted(pids)]
    assert len(a.transport.published) == 6
    assert a.transport.pubrels <= 3 * 3 * 10
    if not closes:
        assert a.clock.now - begin < 70000


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_so_it_is_after_a_reset(app, tmp_path, kind):
    session = keeping(kind, tmp_path)
    a = app(NoPubcomp(), make=robust.MQTTClient, session=session, message_timeout=10)
    a.client.connect()
    pid = a.client.publish("t", "m", qos=2)
    a.client.check_msg()
    if kind == "file":
        session.close()
        session = keeping(kind, tmp_path)
    a.client.disconnect()
    b = app(a.transport, make=robust.MQTTClient, session=session, message_timeout=10)
    b.client.connect()
    for _ in range(700):
        b.clock.advance(100)
        b.client.check_msg()
    assert b.statuses == [(pid, errno.SDELIVERED)]
    assert len(a.transport.published) == 1
    assert session.waiting() == 0


# --- The last wish wins --------------------------------------------------------------------------------


@pytest.mark.parametrize("last", ["subscribe", "unsubscribe"])
@pytest.mark.parametrize("lost", [True, False], ids=["answer lost", "request lost"])
def test_the_last_of_several_requests_for_a_filter_wins_over_a_lost_connection(app, last, lost):
    other = "unsubscribe" if last == "subscribe" else "subscribe"
    a = app(make=robust.MQTTClient)
    a.client.connect()
    broker = a.transport
    broker.silent = not lost
    pids = [getattr(a.client, last)("a")]
    broker.drop()
    broker.incoming.clear()
    a.client.check_msg()
    broker.silent = False
    pids.append(getattr(a.client, other)("a"))
    a.client.set_callback_connection(lambda up: pids.append(getattr(a.client, last)("a")) if up else None)
    for _ in range(2000):
        a.client.check_msg()
        a.clock.advance(20)
    assert a.client.session.subscriptions == broker.subscriptions == ({b"a": 0} if last == "subscribe" else {})
    assert set(a.statuses) == {(pid, errno.SDELIVERED) for pid in pids}


@pytest.mark.long
@given(st.integers(0, 1 << 30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_it_wins_whatever_is_lost_and_whichever_answer_overtakes(seed):
    rng = random.Random(seed)
    broker = Windowed()
    a = App(broker, robust.MQTTClient, verbose=False, backoff=(1, 1))
    a.client.connect()
    wishes = {}
    pids = set()
    for _ in range(60):
        what = rng.random()
        topic = rng.choice(["a", "b"])
        if what < 0.2:
            qos = rng.randrange(3)
            pids.add(a.client.subscribe(topic, qos))
            wishes[topic.encode()] = qos
        elif what < 0.4:
            pids.add(a.client.unsubscribe(topic))
            wishes.pop(topic.encode(), None)
        elif what < 0.7:
            a.client.check_msg()
            a.clock.advance(20)
        elif what < 0.95:
            broker.answer(rng)
        else:
            broker.waiting.clear()
            broker.fail_read = OSError(104)
            if rng.random() < 0.5:
                broker.forget()
            for _ in range(50):
                a.client.check_msg()
                a.clock.advance(20)
    broker.slow = False
    while broker.waiting:
        broker.answer(None)
    for _ in range(1000):
        a.client.check_msg()
        a.clock.advance(20)
    assert broker.subscriptions == a.client.session.subscriptions == wishes
    told = {pid for pid, status in a.statuses if status == errno.SDELIVERED}
    assert pids <= told
    assert errno.SUNKNOWNPID not in {status for _, status in a.statuses}


@pytest.mark.parametrize("name", ["_new_pid", "resume", "unsent", "sent", "on_packet"])
def test_subscriptions_are_renewed_in_the_end_when_there_was_no_memory_for_it(app, name):
    a = app(session=MemorySession())
    session = a.client.session
    a.connect(False)
    a.client.subscribe("one", 1)
    a.client.subscribe("two")
    a.drain()
    a.transport.forget()
    a.client.disconnect()
    good = getattr(session, name)

    def fail(*args):
        setattr(session, name, good)
        raise MemoryError

    setattr(session, name, fail)
    errors = 0
    for _ in range(20):
        try:
            if not a.client.connection.state:
                a.client.connect(False)
            a.client.check_msg()
        except MemoryError:
            errors += 1
    assert errors == 1
    assert a.transport.subscriptions == session.subscriptions == {b"one": 1, b"two": 0}
