"""publish, subscribe, unsubscribe, ping: what leaves, and how."""

from __future__ import annotations

import io
import sys
import threading
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit import wire
from tests.unit.program import App
from umqtt2 import MQTTException, errno
from umqtt2.session.memory import MemorySession
from umqtt2.session.packet_ids import PacketIdSession
from umqtt2.session.qos2 import QoS2Session
from umqtt2.testing import FakeBroker


@pytest.mark.parametrize("topic", ["sensor/é", "sensor/é".encode()])
@pytest.mark.parametrize(
    "msg, payload",
    [
        ("21.5 °C", "21.5 °C".encode()),
        (b"\0\xff", b"\0\xff"),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abc")[1:], b"bc"),
        ("", b""),
        (b"x" * 20_000, b"x" * 20_000),
    ],
)
def test_publish_at_qos_0(connected, topic, msg, payload):
    assert connected.client.publish(topic, msg) is None
    assert connected.transport.published == [("sensor/é".encode(), payload, 0, False)]


def test_publish_at_qos_1(connected):
    pid = connected.client.publish("t", "m", retain=True, qos=1)
    connected.drain()
    assert connected.transport.published == [(b"t", b"m", 1, True)]
    assert connected.statuses == [(pid, errno.SDELIVERED)]


@pytest.mark.mqtt("MQTT-3.3.1-2")
def test_dup_is_for_qos_1(scripted):
    a = scripted()
    a.client.publish("t", "m", qos=1, dup=True)
    a.client.publish("t", "m", qos=0, dup=True)
    assert [p["dup"] for p in wire.parse_all(bytes(a.transport.sent))] == [True, False]


@pytest.mark.parametrize("size", range(0, 140, 1))
def test_a_packet_of_up_to_128_bytes_leaves_in_one_write(connected, size):
    for call in (
        lambda: connected.client.publish("abc", b"x" * size),
        lambda: connected.client.publish("abc", b"x" * size, qos=1),
        lambda: connected.client.publish("t" * (size + 1), b"x"),
        lambda: connected.client.publish("t" * (size + 1), b"x", qos=1),
        lambda: connected.client.subscribe("t" * (size + 1)),
        lambda: connected.client.unsubscribe("t" * (size + 1)),
        connected.client.ping,
    ):
        connected.forget_sent()
        call()
        writes = connected.transport.writes
        if sum(map(len, writes)) <= 128:
            assert len(writes) == 1
        assert len(writes) <= 2


@given(
    st.integers(1, 300),
    st.integers(0, 600),
    st.integers(0, 1),
    st.lists(st.integers(0, 50), min_size=1, max_size=40),
)
@settings(max_examples=50)
def test_partial_writes_at_any_position(topic_size, size, qos, sizes):
    a = App(FakeBroker())
    a.connect()
    a.transport.write_sizes = iter(sizes)
    a.client.publish("t" * topic_size, b"p" * size, qos=qos)
    assert a.transport.published == [(b"t" * topic_size, b"p" * size, qos, False)]


@pytest.mark.parametrize("position", range(0, 30))
def test_a_write_that_stops_for_good_ends_the_connection(scripted, position):
    a = scripted(socket_timeout=2)
    a.transport.write_sizes = iter([position] + [0] * 100_000)
    if position >= 9:  # all of the packet
        a.client.publish("abc", b"xy")
        return
    with pytest.raises(MQTTException) as caught:
        a.client.publish("abc", b"xy")
    assert caught.value.args == (errno.ECONTIMEOUT,)
    assert 2000 <= a.clock.now < 2200
    assert not a.transport.is_open
    with pytest.raises(MQTTException) as caught:
        a.client.publish("abc", b"xy")
    assert caught.value.args == (errno.ECONNOT,)


class Drip(FakeBroker):
    """Takes a byte every `every` ms, once that is set."""

    every = 0
    free = 0

    def write(self, buf, offset, n):
        if self.every:
            if self.clock.now < self.free:
                return None
            self.free = self.clock.now + self.every
            n = min(n, 1)
        return super().write(buf, offset, n)

    def wait(self, flags, timeout_ms):
        self.clock.advance(max(1, min(timeout_ms, self.free - self.clock.now)))


def dripping(every, **options):
    a = App(Drip(), **options)
    a.connect()
    a.transport.every = every
    return a


def test_a_slow_connection_is_no_timeout():
    a = dripping(1500, socket_timeout=60)
    a.client.publish("abc", b"x" * 20)
    assert 20 * 1500 < a.clock.now < 60_000
    assert a.transport.published == [(b"abc", b"x" * 20, 0, False)]


CALLS = [
    lambda c: c.publish("abc", b"x" * 500),
    lambda c: c.publish("abc", b"x" * 500, qos=1),
    lambda c: c.publish("abc", b"x" * 20, qos=2),
    lambda c: c.subscribe("x" * 100),
    lambda c: c.unsubscribe("x" * 100),
]


@pytest.mark.parametrize("session", [QoS2Session, MemorySession])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("every", [300, 4900])
def test_the_socket_timeout_bounds_a_whole_call(call, every, session):
    a = dripping(every, socket_timeout=5, session=session())
    with pytest.raises(MQTTException) as caught:
        call(a.client)
    assert caught.value.args == (errno.ECONTIMEOUT,)
    assert 5000 <= a.clock.now <= 5700
    assert not a.transport.is_open


def test_a_ping_on_a_link_that_drips_is_bounded_too():
    a = dripping(2000, socket_timeout=5)
    for _ in range(3):
        a.client.ping()
    a.transport.every = 1_000_000
    with pytest.raises(MQTTException) as caught:
        a.client.ping()
    assert caught.value.args == (errno.ECONTIMEOUT,)
    assert a.clock.now < 20_000


def test_check_msg_on_a_link_that_drips_returns_at_once():
    a = dripping(4900, socket_timeout=5)
    for n in range(20):
        a.transport.deliver("t", str(n), 1)
    with pytest.raises(MQTTException) as caught:
        for _ in range(1000):
            before = a.clock.now
            a.client.check_msg()
            assert a.clock.now == before
            a.clock.advance(100)
    assert caught.value.args == (errno.ECONTIMEOUT,)
    assert a.clock.now < 60_000


def test_leaving_and_connecting_on_a_link_that_drips_are_bounded():
    a = dripping(4900, socket_timeout=5)
    a.client.disconnect()
    before = a.clock.now
    with pytest.raises(MQTTException) as caught:
        a.client.connect()
    assert caught.value.args == (errno.ECONTIMEOUT,)
    assert a.clock.now - before <= 11_000


def test_a_failing_write_is_the_transports_error_and_leaves_nothing_in_flight(app):
    a = app()
    a.connect()
    a.transport.fail_write = OSError(104)
    with pytest.raises(OSError) as caught:
        a.client.publish("t", "m", qos=1)
    assert caught.value.args == (104,)
    a.client.connect(clean_session=False)
    a.clock.advance(60_000)
    a.drain()
    assert a.statuses == []


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.publish("a/+", "m"),
        lambda c: c.publish("", "m"),
        lambda c: c.publish("x" * 65536, "m"),
        lambda c: c.publish("t", "m", qos=3),
        lambda c: c.publish("t", "m", qos=-1),
        lambda c: c.subscribe("a/#/b"),
        lambda c: c.subscribe(""),
        lambda c: c.subscribe("t", 3),
        lambda c: c.unsubscribe("a#"),
    ],
)
def test_what_mqtt_or_this_client_cannot_do_is_a_value_error_and_sends_nothing(connected, call):
    with pytest.raises(ValueError):
        call(connected.client)
    assert connected.transport.sent == b""
    connected.client.publish("t", "m")


@pytest.mark.parametrize("msg", [None, 5, 1.5, ["a"], {}])
def test_a_payload_that_is_no_text_or_bytes_is_a_type_error_and_sends_nothing(connected, msg):
    with pytest.raises(TypeError):
        connected.client.publish("t", msg)
    with pytest.raises(TypeError):
        connected.client.publish("t", msg, qos=1)
    assert connected.transport.sent == b""
    connected.clock.advance(60_000)
    connected.drain()
    assert connected.statuses == []


def test_a_payload_that_mqtt_cannot_send(connected, mocker):
    for module in ("packets.fields", "client"):
        mocker.patch(f"umqtt2.{module}.LONGEST", 1000)  # 268 MB are much for a test
    connected.client.publish("t", bytes(1000))
    connected.forget_sent()
    with pytest.raises(ValueError):
        connected.client.publish("t", bytes(1001))
    assert connected.transport.sent == b""


def test_subscribe_and_unsubscribe(connected):
    pid = connected.client.subscribe("a/#", 1)
    connected.drain()
    assert connected.transport.subscriptions == {b"a/#": 1}
    other = connected.client.unsubscribe(b"a/#")
    connected.drain()
    assert connected.transport.subscriptions == {}
    assert connected.statuses == [(pid, errno.SDELIVERED), (other, errno.SDELIVERED)]


def test_subscribing_needs_a_callback(app):
    a = app()
    a.client.set_callback(None)
    a.client.connect()
    with pytest.raises(ValueError):
        a.client.subscribe("t")


def test_a_refused_subscription_is_a_status_and_the_connection_lives(connected):
    connected.transport.refused.add(b"secret")
    pid = connected.client.subscribe("secret")
    other = connected.client.subscribe("open")
    connected.drain()
    assert connected.statuses == [(pid, errno.SFAILED), (other, errno.SDELIVERED)]


@pytest.mark.long
@pytest.mark.mqtt("MQTT-2.3.1-2")
def test_identifiers_in_flight_are_not_used_again(scripted):
    a = scripted(message_timeout=1000)
    held = a.client.publish("t", "m", qos=1)
    for _ in range(65534):
        pid = a.client.publish("t", "m", qos=1)
        assert pid != held
        a.transport.feed(wire.ack(0x40, pid))
        a.client.check_msg()
        a.forget_sent()
    assert a.client.publish("t", "m", qos=1) == held + 1


def is_refused(app, topic, error, words=""):
    for call in (
        lambda: app.client.publish(topic, "m"),
        lambda: app.client.subscribe(topic),
        lambda: app.client.unsubscribe(topic),
        lambda: app.client.set_last_will(topic, "m"),
    ):
        with pytest.raises(error, match=words):
            call()
    assert app.transport.sent == b""


@pytest.mark.parametrize("topic", [None, 5, ["t"]])
def test_a_topic_that_is_no_text_is_a_type_error(connected, topic):
    is_refused(connected, topic, TypeError)


def test_a_topic_in_a_buffer_is_checked_and_may_change_afterwards(connected):
    with pytest.raises(ValueError):
        connected.client.publish(memoryview(b"a/+"), "m")
    connected.client.subscribe(memoryview(b"a/+"))
    topic = bytearray(b"one")
    connected.client.publish(topic, "m")
    other = bytearray(b"two")
    connected.client.publish(other, "m")
    assert [p[0] for p in connected.transport.published] == [b"one", b"two"]


@pytest.mark.parametrize("make", [bytearray, lambda data: memoryview(bytearray(data))])
def test_a_topic_in_a_buffer_that_changes_goes_to_its_own_topic(connected, make):
    topic = make(b"room/1")
    for n in b"123":
        topic[5] = n
        connected.client.publish(topic, "m")
    assert [p[0] for p in connected.transport.published] == [b"room/1", b"room/2", b"room/3"]


def test_a_payload_of_wide_items_is_a_type_error(connected):
    for wide in (memoryview(array("H", [1, 2])), memoryview(array("I"))[:0]):
        if len(wide):
            with pytest.raises(TypeError, match="msg"):
                connected.client.publish("t", wide)
    assert connected.transport.sent == b""


def test_a_topic_of_wide_items_is_taken_whole(connected):
    connected.client.publish(memoryview(array("H", b"room")), "m")
    assert connected.transport.published[0][0] == b"room"


def test_a_payload_in_a_buffer_may_change_when_publish_has_returned(connected):
    msg = bytearray(b"one")
    connected.client.publish("t", msg, qos=1)
    msg[:] = b"two"
    connected.client.publish("t", msg, qos=1)
    msg[:] = b"xxx"
    connected.drain()
    assert [p[1] for p in connected.transport.published] == [b"one", b"two"]


@pytest.mark.parametrize("qos", ["1", 1.0, b"1", [1]])
def test_a_qos_that_is_no_int_is_named(connected, qos):
    for call in (
        lambda: connected.client.publish("t", "m", qos=qos),
        lambda: connected.client.subscribe("t", qos),
        lambda: connected.client.set_last_will("t", "m", qos=qos),
    ):
        with pytest.raises(ValueError, match="qos"):
            call()
    assert connected.transport.sent == b""


@pytest.mark.parametrize("topic", ["\udc80", "a/\ud800/b", b"\xff", b"\xed\xb2\x80"])
def test_a_topic_that_is_not_valid_utf_8_is_named(connected, topic):
    is_refused(connected, topic, ValueError, "topic")


# --- How many messages may be in flight ----------------------------------------------------------------


@pytest.mark.parametrize("session", [None, PacketIdSession, QoS2Session])
def test_more_messages_in_flight_than_brokers_take_are_refused(scripted, session):
    a = scripted(session=session and session())
    highest = a.client.session.max_qos
    pids = [a.client.publish("t", "m", qos=1 + n % highest) for n in range(20)]
    a.forget_sent()
    for qos in range(1, highest + 1):
        with pytest.raises(MQTTException) as caught:
            a.client.publish("t", "m", qos=qos)
        assert caught.value.args[0] == errno.EFULL
    assert a.transport.sent == b""
    # It was not taken, and all else works.
    a.client.publish("t", "m")
    a.transport.feed(wire.suback(a.client.subscribe("t")) + wire.ack(0x40, pids[0]))
    a.drain()
    assert a.statuses[-1] == (pids[0], errno.SDELIVERED)
    assert a.client.publish("t", "m", qos=1)


def test_a_message_at_qos_2_is_in_flight_until_pubcomp(scripted):
    a = scripted()
    pids = [a.client.publish("t", "m", qos=2) for _ in range(20)]
    a.transport.feed(wire.ack(0x50, pids[0]))
    a.drain()
    with pytest.raises(MQTTException):
        a.client.publish("t", "m", qos=1)
    a.transport.feed(wire.ack(0x70, pids[0]))
    a.drain()
    a.client.publish("t", "m", qos=1)


def test_what_the_broker_never_acknowledges_is_in_flight_no_longer_than_the_message_timeout(scripted):
    a = scripted(message_timeout=10)
    for _ in range(20):
        a.client.publish("t", "m", qos=1)
    a.clock.advance(10_200)
    a.client.check_msg()
    assert [status for _, status in a.statuses] == [errno.STIMEOUT] * 20
    a.client.publish("t", "m", qos=1)


def test_many_subscriptions_do_not_keep_a_message_from_being_published(app):
    a = app()
    a.connect()
    for n in range(50):
        a.client.subscribe(f"t/{n}", qos=1)
    pids = [a.client.publish("t", str(n), qos=1) for n in range(20)]
    a.drain()
    assert [(pid, errno.SDELIVERED) for pid in pids] == a.statuses[-20:]


def test_the_window_can_be_chosen(scripted):
    a = scripted(session=QoS2Session(window=2))
    a.client.publish("t", "m", qos=1)
    a.client.publish("t", "m", qos=1)
    with pytest.raises(MQTTException):
        a.client.publish("t", "m", qos=1)


# --- Calls from interrupts and other threads -----------------------------------------------------------


class Interrupted(FakeBroker):
    """Has a Timer that fires amid a read or a write, once."""

    timer = None

    def fire(self):
        timer, self.timer = self.timer, None
        if timer:
            timer()

    def readinto(self, buf, n):
        got = super().readinto(buf, n)
        if got and n > 2:
            self.fire()  # bytes were read, and not yet decoded
        return got

    def write(self, buf, offset, n):
        self.fire()  # a packet was put together, and not yet written
        return super().write(buf, offset, n)


INTERRUPTS = [
    lambda c: c.publish("timer", "m"),
    lambda c: c.publish("timer", "m", qos=1),
    lambda c: c.publish("timer", "m" * 200, qos=2),
    lambda c: c.publish("timer", io.BytesIO(bytes(600)), length=600),
    lambda c: c.subscribe("timer"),
    lambda c: c.unsubscribe("timer"),
    lambda c: c.ping(),
    lambda c: c.check_msg(),
    lambda c: c.wait_msg(),
    lambda c: c.disconnect(),
    lambda c: c.connect(),
]


@pytest.mark.parametrize("session", [QoS2Session, MemorySession])
@pytest.mark.parametrize("interrupt", INTERRUPTS)
@pytest.mark.parametrize("amid", ["check_msg", "publish", "publish at QoS 2", "subscribe"])
def test_a_call_from_an_interrupt_is_refused_and_mixes_nothing(interrupt, amid, session):
    a = App(Interrupted(), session=session())
    a.connect()
    a.transport.subscriptions[b"cmd"] = 0
    a.transport.deliver("cmd", "switch on")
    refused = []

    def timer():
        with pytest.raises(MQTTException) as caught:
            interrupt(a.client)
        refused.append(caught.value.args)

    a.transport.timer = timer
    if amid == "publish":
        a.client.publish("door/alarm!", "open")
    elif amid == "publish at QoS 2":
        a.client.publish("door/alarm!", "open", qos=2)
    elif amid == "subscribe":
        a.client.subscribe("more", 1)
    a.drain()
    assert refused == [(errno.EBUSY,)]
    assert a.messages == [(b"cmd", b"switch on", False, False)]
    if amid.startswith("publish"):
        assert [p[:2] for p in a.transport.published] == [(b"door/alarm!", b"open")]
    assert (amid == "subscribe") is (b"more" in a.transport.subscriptions)
    # Whole again: the same call, from the program, works.
    interrupt(a.client) if interrupt is not INTERRUPTS[8] else None
    assert a.transport.timer is None


def test_an_interrupt_that_publishes_while_arguments_are_checked_does_not_change_the_topic(connected):
    class Text(str):
        def encode(self, *args):
            connected.client.publish("timer", "m")
            return super().encode(*args)

    connected.client.publish("main", Text("a"))
    connected.client.publish("main", Text("b"))
    connected.client.publish(Text("main"), "c")
    assert [p[:2] for p in connected.transport.published if p[0] != b"timer"] == [
        (b"main", b"a"), (b"main", b"b"), (b"main", b"c"),
    ]  # fmt: skip


def test_a_call_from_a_callback_is_no_call_from_an_interrupt(connected):
    def callback(*args):
        connected.client.publish("out", "m", qos=1)

    connected.client.set_callback(callback)
    connected.transport.deliver("t", "m", 1)
    connected.drain()
    assert [p[:2] for p in connected.transport.published] == [(b"out", b"m")]


def test_a_second_thread_works_whole_or_is_refused():
    a = App(FakeBroker())
    a.connect()
    counts = [0, 0]

    def publish(me):
        for _ in range(3000):
            try:
                a.client.publish(f"t/{me}", b"%d" % me * 60)
                counts[me] += 1
            except MQTTException as e:
                assert e.args == (errno.EBUSY,)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=publish, args=(me,)) for me in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(a.transport.published) == sum(counts)
    for topic, msg, _, _ in a.transport.published:
        assert msg == topic[-1:] * 60


def test_the_same_topic_again(connected):
    for topic in ("a", "a", "b", "a", b"a", "a"):
        connected.client.publish(topic, "m")
    assert b"".join(p[0] for p in connected.transport.published) == b"aabaaa"


def test_subscribing_with_no_qos_is_qos_0(scripted):
    a = scripted()
    a.client.subscribe("t", None)
    assert wire.parse_all(bytes(a.transport.sent))[0]["qos"] == 0
