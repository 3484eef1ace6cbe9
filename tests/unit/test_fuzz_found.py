"""What fuzzing has found, so that it is not found again."""

from __future__ import annotations

import io
import tracemalloc
from binascii import crc32

import pytest

from tests.unit.program import App
from umqtt2 import robust
from umqtt2.errno import SDELIVERED, SOVERSIZE, STIMEOUT
from umqtt2.session.file import SUBSCRIPTION, FileSession
from umqtt2.session.journal import END, MAGIC, _head, _record
from umqtt2.session.memory import MemorySession
from umqtt2.testing import FakeBroker, FakeTransport


@pytest.mark.parametrize("taken", [0, 5])
@pytest.mark.mqtt("MQTT-3.1.0-1")
def test_robust_says_no_disconnect_before_its_connect_is_out(taken):
    a = App(FakeTransport(), robust.MQTTClient, socket_timeout=1, backoff=(0.1, 0.1))
    a.client.connect()
    a.forget_sent()
    a.clock.advance(200)
    a.transport.write_sizes = iter([taken] + [0] * 5)
    for _ in range(4):
        a.client.check_msg()
    assert a.transport.is_open
    a.transport.write_sizes = None
    a.client.disconnect()
    assert len(a.transport.sent) == taken
    assert not a.transport.is_open


def test_robust_says_a_disconnect_when_only_the_answer_to_its_connect_is_missing():
    a = App(FakeTransport(), robust.MQTTClient, socket_timeout=1, backoff=(0.1, 0.1))
    a.client.connect()
    a.clock.advance(200)
    for _ in range(4):
        a.client.check_msg()
    a.client.disconnect()
    assert a.transport.sent.endswith(b"\xe0\0")


@pytest.fixture
def large():
    """A connected App that takes messages to `large` in chunks."""
    a = App(FakeBroker(), max_packet=50)
    a.client.set_callback_chunks(lambda *args: None, "large")
    a.client.connect(False)
    return a


def test_the_topic_of_a_large_message_is_not_larger_than_max_packet(large):
    a = large
    a.transport.deliver(b"x" * 60000, b"y" * 300, 1)
    rest = a.transport.incoming[50000:]
    del a.transport.incoming[50000:]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        a.drain()
        assert tracemalloc.get_traced_memory()[0] - before < 4096
    finally:
        tracemalloc.stop()
    a.transport.feed(rest)
    a.drain()
    assert a.statuses == [(0, SOVERSIZE)]


def test_a_stream_that_fails_later_ends_the_connection_and_is_told_as_a_status():
    a = App(FakeBroker(), robust.MQTTClient, backoff=(0.1, 0.1))
    a.transport.fail_open = OSError(111)
    a.client.connect()
    pid = a.client.publish("topic", io.BytesIO(b"short"), qos=1, length=100)
    for _ in range(20):
        a.clock.advance(100)
        a.client.check_msg()
    assert a.client.last_error.args == (5, "msg: shorter than its length")
    assert a.statuses == [(pid, STIMEOUT)]
    assert a.client.is_connected()


@pytest.mark.parametrize(
    "record",
    [
        _head(SUBSCRIPTION, 1, 0, 4),  # without a topic
        _head(0x32, 1, 0, 4),
        _head(0x32, 1, 6, 4) + b"\xff\xff" + crc32(b"\xff\xff").to_bytes(4, "little"),
        _head(END, 0, 1, 4),  # that of the other file
        _head(0, 0, 1, 4),
    ],
)
def test_a_sound_record_that_makes_no_sense_does_not_stop_a_session(tmp_path, record):
    path = str(tmp_path / "session")
    (tmp_path / "session.0").write_bytes(MAGIC + record)
    session = FileSession(path)
    session.resume(True, False, 0)
    assert session.unsent() is None
    pid = session.add(0x32, b"topic", b"message", 0, 156)
    session = FileSession(path)
    session.resume(True, False, 0)
    assert session.unsent()[0] == pid


def test_two_messages_with_one_identifier_are_the_later_one(tmp_path):
    path = str(tmp_path / "session")
    records = bytearray(MAGIC)
    for topic in (b"old", b"new"):
        records += _record(0x32, 5, topic, b"message", len(records))
    (tmp_path / "session.0").write_bytes(records)
    session = FileSession(path)
    session.resume(True, False, 0)
    assert session.waiting() == 1
    assert session.unsent()[2] == b"new"


def test_a_message_at_qos_2_is_told_once_when_the_program_has_not_looked_for_long():
    a = App(FakeBroker(), session=MemorySession())
    a.client.connect(False)
    pid = a.client.publish("t", "m", qos=2)
    a.clock.advance(11_000)  # more than the message_timeout, PUBREC is there
    for _ in range(5):
        a.client.check_msg()
    assert a.statuses == [(pid, SDELIVERED)]
    assert a.transport.sent.count(b"\x62\x02") == 1
