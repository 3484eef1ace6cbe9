"""check_msg and wait_msg: messages, statuses, callbacks, and brokers that misbehave."""

from __future__ import annotations

import pytest
import wire
from hypothesis import given, settings
from hypothesis import strategies as st
from program import App

from umqtt2 import MQTTException, errno
from umqtt2.testing import FakeTransport


def test_a_message(connected):
    connected.transport.deliver("a/b", "é", retain=True)
    assert connected.client.check_msg() == 0x31
    assert connected.messages == [(b"a/b", "é".encode(), True, False)]
    assert type(connected.messages[0][1]) is bytes
    assert connected.client.check_msg() is None


def test_an_empty_message(connected):
    connected.transport.deliver("a", b"")
    connected.drain()
    assert connected.messages == [(b"a", b"", False, False)]


def test_one_packet_for_each_call(connected):
    for i in range(3):
        connected.transport.deliver("a", str(i))
    assert [connected.client.check_msg() for _ in range(4)] == [0x30, 0x30, 0x30, None]


@pytest.mark.mqtt("MQTT-2.3.1-6", "MQTT-3.3.4-1", "MQTT-4.3.2-2")
def test_qos_1_is_acknowledged_after_the_callback(scripted):
    a = scripted(wire.publish(b"t", b"m", 1, 0x1234, dup=True))
    seen = []
    a.client.set_callback(lambda *args: seen.append((args, bytes(a.transport.sent))))
    a.client.check_msg()
    assert seen == [((b"t", b"m", False, True), b"")]
    assert a.transport.sent == b"\x40\x02\x12\x34"


def test_an_exception_in_the_callback_reaches_the_caller_and_loses_nothing(app):
    a = app()
    a.client.connect(clean_session=False)
    a.transport.deliver("t", "m", qos=1)

    def fail(*args):
        raise KeyError("in the application")

    a.client.set_callback(fail)
    with pytest.raises(KeyError):
        a.client.check_msg()
    assert a.transport.acknowledged == []
    a.client.publish("still", "usable")
    assert a.client.check_msg() is None
    a.client.set_callback(lambda *args: a.messages.append(args))
    a.client.connect(clean_session=False)
    a.drain()
    assert a.messages == [(b"t", b"m", False, True)]
    assert a.transport.acknowledged == [1]


def test_a_message_that_nobody_listens_for_stays_with_the_broker(app):
    a = app()
    a.client.set_callback(None)
    a.client.connect(clean_session=False)
    a.transport.deliver("t", "m", qos=1)
    a.drain()
    assert a.transport.acknowledged == []


@pytest.mark.mqtt("MQTT-4.6.0-2")
def test_any_method_may_be_called_from_the_callback(connected):
    client = connected.client
    results = []

    def callback(topic, msg, retained, dup):
        results.append(client.check_msg())
        results.append(client.wait_msg())
        results.append(client.publish("out", b"x" * 200, qos=1))
        results.append(client.subscribe("more"))
        results.append(client.unsubscribe("more"))
        client.ping()

    client.set_callback(callback)
    connected.transport.deliver("t", "1", qos=1)
    connected.transport.deliver("t", "2", qos=1)
    client.check_msg()
    assert results == [None, None, 1, 2, 3]
    connected.drain()
    assert connected.transport.acknowledged == [1, 2]
    assert connected.transport.published == [(b"out", b"x" * 200, 1, False)] * 2
    assert sorted(connected.statuses) == [(pid, 1) for pid in range(1, 7)]


@pytest.mark.parametrize("method", ["connect", "disconnect"])
def test_a_callback_may_end_the_connection_that_its_message_came_on(app, method):
    a = app()
    a.client.connect(clean_session=False)
    a.client.set_callback(lambda *args: getattr(a.client, method)())
    a.transport.deliver("t", "m", qos=1)
    assert a.client.check_msg() == 0x32
    # The acknowledgement belonged to the old connection: it must not go out on a new one.
    assert a.transport.acknowledged == []
    if method == "disconnect":
        with pytest.raises(MQTTException):
            a.client.check_msg()
    else:
        assert a.client.check_msg() is None


def test_a_status_callback_may_publish(connected):
    client = connected.client
    statuses = []

    def callback(pid, status):
        statuses.append((pid, status))
        assert client.check_msg() is None
        if len(statuses) < 5:
            client.publish("t", "again", qos=1)

    client.set_callback_status(callback)
    client.publish("t", "first", qos=1)
    connected.drain()
    assert statuses == [(pid, 1) for pid in range(1, 6)]


def test_statuses_of_timeouts_may_publish_too(scripted):
    a = scripted(message_timeout=10)
    statuses = []

    def callback(pid, status):
        statuses.append((pid, status))
        a.client.publish("t", "again", qos=1)

    a.client.set_callback_status(callback)
    for _ in range(3):
        a.client.publish("t", "m", qos=1)
    a.clock.advance(10_000)
    a.client.check_msg()
    assert sorted(statuses) == [(1, 0), (2, 0), (3, 0)]


def test_no_acknowledgement_is_status_0_and_a_late_one_status_2(scripted):
    a = scripted(message_timeout=10)
    a.clock.now = 2**30 - 5000  # the ticks wrap meanwhile
    pid = a.client.publish("t", "m", qos=1)
    a.clock.advance(9999)
    a.client.check_msg()
    assert a.statuses == []
    a.clock.advance(1)
    a.client.check_msg()
    assert a.statuses == [(pid, errno.STIMEOUT)]
    a.transport.feed(wire.ack(0x40, pid))
    a.client.check_msg()
    assert a.statuses == [(pid, errno.STIMEOUT), (pid, errno.SUNKNOWNPID)]


@pytest.mark.parametrize("first", [0x40, 0x70, 0xB0])
def test_an_acknowledgement_of_nothing_breaks_nothing(scripted, first):
    a = scripted(wire.ack(first, 99))
    a.drain()
    assert a.statuses == [(99, errno.SUNKNOWNPID)]
    a.client.publish("t", "m")


def test_no_callback_at_all(scripted):
    a = scripted(wire.ack(0x40, 1) + wire.publish(b"t", b"m"))
    a.client.set_callback(None)
    a.client.set_callback_status(None)
    a.drain()


packets = st.one_of(
    st.builds(wire.publish, st.sampled_from([b"t", "é/𝄞".encode()]), st.binary(max_size=200)),
    st.builds(
        wire.publish, st.just(b"t"), st.binary(max_size=9), st.just(1), st.integers(1, 65535)
    ),
    st.builds(wire.ack, st.sampled_from([0x40, 0xB0]), st.integers(1, 65535)),
    st.builds(wire.suback, st.integers(1, 65535), st.sampled_from([0, 1, 128])),
    st.just(wire.PINGRESP),
)


def outcome(stream, sizes):
    a = App(FakeTransport(b"\x20\x02\0\0"))
    a.connect()
    a.transport.feed(stream)
    a.transport.read_sizes = sizes
    while a.transport.incoming:
        a.client.check_msg()
    a.drain()
    return a.messages, a.statuses, bytes(a.transport.sent)


@given(st.lists(packets, max_size=8), st.lists(st.integers(0, 30), max_size=60))
@settings(max_examples=150)
def test_any_fragmentation_gives_the_same_callbacks(stream, sizes):
    whole = outcome(b"".join(stream), None)
    assert outcome(b"".join(stream), iter(sizes)) == whole
    assert outcome(b"".join(stream), 1) == whole


@given(st.binary(max_size=300), st.lists(st.integers(0, 20), max_size=30))
@settings(max_examples=300)
@pytest.mark.mqtt("MQTT-4.8.0-1")
def test_any_bytes_give_an_mqtt_exception_or_progress(data, sizes):
    a = App(FakeTransport(b"\x20\x02\0\0"), max_packet=100)
    a.connect()
    a.transport.feed(data)
    a.transport.read_sizes = iter(sizes)
    a.transport.ended = True
    for _ in range(2 * len(data) + 70):
        try:
            a.client.check_msg()
        except MQTTException as e:
            assert e.args[0] in (errno.ERESPONSE, errno.ECONCLOSE)
            break
    else:
        raise AssertionError("neither progress nor an exception")
    assert not a.transport.is_open


@pytest.mark.mqtt("MQTT-4.5.0-2")
def test_a_message_that_is_too_large_is_told_acknowledged_and_survived(scripted):
    a = scripted(max_packet=100)
    a.transport.feed(wire.publish(b"big", b"x" * 50_000, 1, 77))
    a.transport.feed(wire.publish(b"big", b"x" * 50_000))
    a.transport.feed(wire.publish(b"small", b"m", 1, 78))
    while a.transport.incoming:
        a.client.check_msg()
    assert a.statuses == [(0, errno.SOVERSIZE)] * 2
    assert a.messages == [(b"small", b"m", False, False)]
    assert a.transport.sent == wire.ack(0x40, 77) + wire.ack(0x40, 78)


def test_one_check_of_a_huge_message_does_not_last_for_all_of_it(scripted):
    a = scripted(max_packet=100)
    a.transport.feed(wire.publish(b"big", b"x" * 1_000_000))
    assert a.client.check_msg() is None
    assert len(a.transport.incoming) > 900_000


@pytest.mark.parametrize(
    "data", [b"\x36\x05\0\x01a\0\x01", b"\x00\x00", b"\x20\x02\0\0", wire.publish(b"t", b"m", 2, 0)]
)
def test_a_broker_that_breaks_mqtt_is_left_without_a_goodbye(scripted, data):
    a = scripted(data)
    with pytest.raises(MQTTException) as caught:
        a.drain()
    assert caught.value.args[0] == errno.ERESPONSE
    assert not a.transport.is_open
    assert a.transport.sent == b""
    with pytest.raises(MQTTException) as caught:
        a.client.check_msg()
    assert caught.value.args == (errno.ECONNOT,)


def test_the_broker_closes(scripted):
    a = scripted(wire.publish(b"t", b"last"))
    a.transport.ended = True
    assert a.client.check_msg() == 0x30
    with pytest.raises(MQTTException) as caught:
        a.client.check_msg()
    assert caught.value.args == (errno.ECONCLOSE,)
    assert a.messages[0][1] == b"last"


@pytest.mark.parametrize("position", range(0, 11))
def test_the_broker_closes_in_the_middle_of_a_packet(scripted, position):
    a = scripted(wire.publish(b"topic", b"ab", 1, 3)[:position])
    a.transport.ended = True
    with pytest.raises(MQTTException) as caught:
        for _ in range(3):
            a.client.check_msg()
    assert caught.value.args == (errno.ECONCLOSE,)
    assert a.messages == []


def test_a_failing_read_is_the_transports_error(app):
    a = app()
    a.connect()
    a.transport.fail_read = OSError(104)
    with pytest.raises(OSError):
        a.client.check_msg()
    assert not a.transport.is_open
    a.client.connect()
    assert a.client.check_msg() is None


def test_half_a_packet_is_forgotten_by_a_new_connection(app):
    a = app()
    a.connect()
    a.transport.feed(wire.publish(b"t", b"x" * 300)[:100])
    a.client.check_msg()
    a.client.connect()
    a.transport.deliver("t", "new")
    a.drain()
    assert a.messages == [(b"t", b"new", False, False)]


def test_wait_msg_waits_for_one_packet(connected):
    class Later(type(connected.transport)):
        def wait(self, flags, timeout_ms):
            super().wait(flags, timeout_ms)
            if self.clock.now > 60_000 and not self.incoming:
                self.deliver("t", "late")

    connected.transport.__class__ = Later
    assert connected.client.wait_msg() == 0x30
    assert connected.messages == [(b"t", b"late", False, False)]
    assert connected.clock.now >= 60_000


def test_wait_msg_tells_timeouts_while_it_waits(scripted):
    a = scripted(message_timeout=10)
    pid = a.client.publish("t", "m", qos=1)

    def callback(got, status):
        a.statuses.append((got, status))
        a.transport.feed(wire.PINGRESP)

    a.client.set_callback_status(callback)
    assert a.client.wait_msg() == 0xD0
    assert a.statuses == [(pid, errno.STIMEOUT)]
    assert 10_000 <= a.clock.now <= 11_000


def test_check_msg_returns_at_once_and_without_a_socket_timeout_waits(app):
    a = app()
    a.connect()
    before = a.clock.now
    assert a.client.check_msg() is None
    assert a.clock.now == before
    a.client.socket_timeout = None
    a.transport.wait = lambda flags, ms: a.transport.deliver("t", "m")
    assert a.client.check_msg() == 0x30


def test_wait_msg_does_not_wait_in_the_middle_of_what_has_come(scripted):
    a = scripted(wire.publish(b"t", b"x" * 30_000), max_packet=40_000)

    def wait(flags, timeout_ms):
        raise AssertionError("there is more to read")

    a.transport.wait = wait
    assert a.client.wait_msg() == 0x30
    assert a.messages == [(b"t", b"x" * 30_000, False, False)]


def test_timeouts_are_told_while_messages_keep_coming(scripted):
    a = scripted(message_timeout=10)
    pid = a.client.publish("t", "m", qos=1)
    for _ in range(12):
        a.clock.advance(1000)
        a.transport.feed(wire.publish(b"t", b"m"))
        a.client.check_msg()
    assert a.statuses == [(pid, errno.STIMEOUT)]


def test_a_subclass_may_have_attributes_of_its_own(app):
    from umqtt2 import MQTTClient

    class Program(MQTTClient):
        topic, payload, pid, code, want = "home/t", "p", 1, 2, 3

    transport = FakeTransport(wire.connack() + wire.publish(b"t", b"m", 1, 77) + wire.suback(5))
    p = Program("id", "broker", transport=transport, clock=transport.clock)
    p.set_callback(lambda *args: None)
    p.connect()
    while p.check_msg():
        pass
    assert (p.topic, p.payload, p.pid, p.code, p.want) == ("home/t", "p", 1, 2, 3)


@pytest.mark.parametrize("size", [1000, 3])
@pytest.mark.mqtt("MQTT-4.5.0-2")
def test_no_memory_for_a_topic_or_a_payload_is_told_and_acknowledged_rightly(scripted, mocker, size):
    from umqtt2.packets import decoder

    class Full(decoder.BytesIO):
        def read(self, n):
            if n >= 500:
                raise MemoryError
            return super().read(n)

    mocker.patch.object(decoder, "BytesIO", Full)
    a = scripted(wire.publish(b"t" * size, b"m" * (1003 - size), 1, 5))
    a.drain()
    assert a.statuses == [(0, errno.SOVERSIZE)]
    assert a.messages == []
    assert a.transport.sent == wire.ack(0x40, 5)


def test_a_packet_is_never_asked_for_more_than_it_has(scripted, mocker):
    from umqtt2.packets import decoder

    class Strict(decoder.BytesIO):
        def read(self, n):
            assert n <= 128, "MicroPython would take memory for all of it"
            return super().read(n)

    mocker.patch.object(decoder, "BytesIO", Strict)
    a = scripted(b"\x30\x05\xff\xffabc")
    with pytest.raises(MQTTException):
        a.drain()
