"""TraceTransport: what it prints, and that nothing of what passes is changed."""

from __future__ import annotations

import re
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import wire5
from tests.unit.test_check_transport import FakePeer
from umqtt2 import MQTTClient
from umqtt2.cli import link, main
from umqtt2.packets import fields, v311
from umqtt2.testing import FakeBroker, FakeTransport, check_transport
from umqtt2.transport.trace import PacketLines, TraceTransport
from umqtt2.v5 import V5, Topic

CONNECT = v311.connect("kitchen-1", True, 30, "me", "secret", (b"lamp", b"hidden", False, 0))


def told(*parts):
    """The lines for bytes, each with whether the client sends them."""
    lines = []
    packets = PacketLines(lines.append)
    for sent, data in parts:
        packets.feed(sent, data)
    return lines


@pytest.mark.parametrize(
    ("sent", "data", "line"),
    [
        (True, CONNECT, "CONNECT kitchen-1, MQTT 3.1.1, clean session, keepalive 30, user, password, will (49 bytes)"),
        (True, v311.connect("", True, 0, None, None, None), "CONNECT no client identifier, MQTT 3.1.1, "
         "clean session, keepalive 0 (14 bytes)"),
        (True, v311.connect("a", False, 9, None, None, None), "CONNECT a, MQTT 3.1.1, keeps its session, keepalive 9 "
         "(15 bytes)"),
        (False, b"\x20\2\0\0", "CONNACK accepted, new session (4 bytes)"),
        (False, b"\x20\2\1\0", "CONNACK accepted, session resumed (4 bytes)"),
        (False, b"\x20\2\0\4", "CONNACK refused, 4 bad user name or password (4 bytes)"),
        (False, b"\x20\2\0\x09", "CONNACK refused, 0x09 (4 bytes)"),
        (False, b"\x30\5\0\1aXY", "PUBLISH a, QoS 0, payload 2 (7 bytes)"),
        (True, b"\x3b\7\0\1a\1\2XY", "PUBLISH pid 258, a, QoS 1, retain, dup, payload 2 (9 bytes)"),
        (True, b"\x40\2\1\2", "PUBACK pid 258 (4 bytes)"),
        (False, b"\x50\2\1\2", "PUBREC pid 258 (4 bytes)"),
        (True, b"\x62\2\1\2", "PUBREL pid 258 (4 bytes)"),
        (False, b"\x70\2\1\2", "PUBCOMP pid 258 (4 bytes)"),
        (True, v311.subscribe(fields.SUBSCRIBE, 7, b"a/+", 1), "SUBSCRIBE pid 7, a/+ QoS 1 (10 bytes)"),
        (True, v311.subscribe(fields.UNSUBSCRIBE, 7, b"a/+", 0), "UNSUBSCRIBE pid 7, a/+ (9 bytes)"),
        (False, b"\x90\4\0\7\1\x80", "SUBACK pid 7, QoS 1 granted, 0x80 unspecified error (6 bytes)"),
        (False, b"\xb0\2\0\7", "UNSUBACK pid 7 (4 bytes)"),
        (True, b"\xc0\0", "PINGREQ (2 bytes)"),
        (False, b"\xd0\0", "PINGRESP (2 bytes)"),
        (True, b"\xe0\0", "DISCONNECT (2 bytes)"),
        (False, b"\x30\4\0\2\xffa", r"PUBLISH b'\xffa', QoS 0, payload 0 (6 bytes)"),
        (False, b"\x30\5\0\3a\x1b[", r"PUBLISH b'a\x1b[', QoS 0, payload 0 (7 bytes)"),
        (False, b"\x40\1\0", "PUBACK too short (3 bytes)"),
        (False, b"\x30\3\0\5a", "PUBLISH a..., QoS 0, too short (5 bytes)"),
        (False, b"\x15\3\3\0\2\2\x46", "not MQTT: 0x15"),  # a TLS alert
        (False, b"HTTP/1.1 400", "not MQTT: 0x48"),
        (False, b"\x30\xff\xff\xff\xff\xff", "not MQTT: 0x30"),
        (False, b"\xe0\0", "not MQTT: 0xe0"),  # with MQTT 5 only
    ],
)  # fmt: skip
def test_each_packet_in_words(sent, data, line):
    assert told((sent, data)) == [("-> " if sent else "<- ") + line]


CONNECTION = mock.Mock(chunks=None, max_packet=8192)
HELLO = V5(expiry=60).connect("kitchen-1", True, 30, None, "secret", None, CONNECTION)


@pytest.mark.parametrize(
    ("sent", "data", "line"),
    [
        (False, wire5.connack(), "CONNACK accepted, new session"),
        (False, wire5.connack(0x87, 0, [(31, b"go away")]), "CONNACK refused, 0x87 not authorized, go away"),
        (False, b"\x20\2\0\x87", "CONNACK refused, 0x87 not authorized"),
        (False, wire5.publish(b"a", b"XY", pairs=[(2, 9), (38, (b"k", b"v")), (11, 300)]),
         "PUBLISH a, QoS 0, payload 2"),
        (True, wire5.publish(b"", b"XY", pairs=[(8, b"r"), (35, 3)]), "PUBLISH QoS 0, alias 3, payload 2"),
        (False, b"\x40\3\0\7\x10", "PUBACK pid 7, 0x10 no matching subscribers"),
        (False, b"\x50\x08\0\7\x97\4\x1f\0\1x", "PUBREC pid 7, 0x97 quota exceeded, x"),
        (True, b"\x82\7\0\7\0\0\1a\x2d", "SUBSCRIBE pid 7, a QoS 1 no local retain as published retain handling 2"),
        (False, b"\x90\4\0\7\0\2", "SUBACK pid 7, QoS 2 granted"),
        (False, b"\xb0\5\0\7\0\0\x11", "UNSUBACK pid 7, 0x00, 0x11 no subscription existed"),
        (False, b"\xe0\0", "DISCONNECT"),
        (False, b"\xe0\1\x8e", "DISCONNECT 0x8e session taken over"),
        (True, b"\xe0\1\4", "DISCONNECT 0x04 with the last will"),
    ],
)  # fmt: skip
def test_each_packet_of_mqtt_5_in_words(sent, data, line):
    first, second = told((True, HELLO), (sent, data))
    assert first == f"-> CONNECT kitchen-1, MQTT 5, clean start, keepalive 30, password ({len(HELLO)} bytes)"
    assert second == f"{'->' if sent else '<-'} {line} ({len(data)} bytes)"


def test_a_long_topic_is_shown_in_part():
    topic = "ä" * 300
    buf = bytearray(700)
    n = v311.publish(buf, topic.encode(), 5, fields.PUBLISH | 2, 1)
    (line,) = told((True, bytes(buf[:n]) + b"12345"))
    assert line == f"-> PUBLISH {'ä' * 49}..., QoS 1, ... ({n + 5} bytes)"


def test_a_packet_that_is_cut_off_is_told():
    lines = []
    packets = PacketLines(lines.append)
    packets.feed(False, b"\x30\x64\0\1aabc")
    packets.feed(False, b"def")
    assert lines == []
    packets.end()
    assert lines == ["<- PUBLISH, cut off after 11 bytes"]
    packets.begin()
    packets.feed(False, b"\xd0\0")
    assert lines[1:] == ["<- PINGRESP (2 bytes)"]


CONVERSATION = [
    CONNECT,
    v311.subscribe(fields.SUBSCRIBE, 7, b"a/+", 1),
    b"\x33\xac\2\0\1a\0\x09" + bytes(295),
    b"\xc0\0\xe0\0",
]


@given(st.data())
def test_packets_in_any_pieces_make_the_same_lines(data):
    stream = b"".join(CONVERSATION)
    whole = told((True, stream))
    assert len(whole) == 5
    pieces = []
    while stream:
        n = data.draw(st.integers(1, 40))
        pieces.append((True, stream[:n]))
        stream = stream[n:]
    assert told(*pieces) == whole
    assert told(*((True, bytes((byte,))) for byte in b"".join(CONVERSATION))) == whole


@given(st.booleans(), st.binary(max_size=200), st.lists(st.binary(max_size=60)))
def test_any_bytes_make_printable_lines_and_raise_nothing(five, first, more):
    lines = []
    packets = PacketLines(lines.append)
    if five:
        packets.feed(True, HELLO)
    for sent, data in enumerate([first, *more]):
        packets.feed(bool(sent & 1), data)
    packets.end()
    assert all(line.isprintable() for line in lines)


@given(st.binary(max_size=20), st.text("abc/", min_size=1, max_size=200), st.binary(min_size=8), st.booleans())
def test_payloads_and_passwords_are_not_printed(password, topic, payload, five):
    password = b"pw-" + password.hex().encode()
    payload = b"payload-is-" + payload.hex().encode()
    packets = V5(user=[("k", "v")] * 20) if five else v311.V311
    hello = packets.connect("c" * 50, True, 0, "some-user", password, (b"w", payload, False, 0), CONNECTION)
    buf = bytearray(400)
    n = v311.publish(buf, topic.encode(), len(payload) + five, fields.PUBLISH, 0)
    message = bytes(buf[:n]) + bytes(five) + payload
    for size in (1, 7, 1000):
        stream = hello + message
        lines = told(*((True, stream[i : i + size]) for i in range(0, len(stream), size)))
        assert len(lines) == 2
        for word in ("some-user", password.decode(), "payload-is"):
            assert word not in "".join(lines)


# --- The transport -----------------------------------------------------------------------------------


def test_it_keeps_the_contract():
    def make():
        below = FakeTransport()
        return TraceTransport(below, lambda line: None), FakePeer(below)

    check_transport(make)


@pytest.fixture
def broker():
    return FakeBroker()


def client_on(transport, broker, **more):
    return MQTTClient("lamp", "broker", transport=transport, clock=broker.clock, **more)


def strip(lines):
    """Lines without their times."""
    assert all(re.match(r" *\d+\.\d{3} (->|<-|--) ", line) for line in lines)
    return [line.split(None, 1)[1] for line in lines]


def test_a_program_sees_what_passes(broker):
    lines = []
    client = client_on(TraceTransport(broker, lines.append), broker)
    client.set_callback(print)
    client.connect()
    client.subscribe("a", qos=1)
    client.publish("b", "hello", qos=1)
    while client.check_msg():
        pass
    client.disconnect()
    assert strip(lines) == [
        "-- opening",
        "-- open",
        "-> CONNECT lamp, MQTT 3.1.1, clean session, keepalive 0 (18 bytes)",
        "<- CONNACK accepted, new session (4 bytes)",
        "-> SUBSCRIBE pid 1, a QoS 1 (8 bytes)",
        "-> PUBLISH pid 2, b, QoS 1, payload 5 (12 bytes)",
        "<- SUBACK pid 1, QoS 1 granted (5 bytes)",
        "<- PUBACK pid 2 (4 bytes)",
        "-> DISCONNECT (2 bytes)",
        "-- closed by the broker",
        "-- closed",
    ]


def test_partial_reads_and_writes_pass_unchanged(broker):
    for sizes in (1, 3):
        broker = FakeBroker()
        broker.read_sizes = broker.write_sizes = sizes
        lines = []
        client = client_on(TraceTransport(broker, lines.append), broker, packets=V5())
        client.connect()
        client.publish(Topic("b", expiry=9), b"x" * 300)
        client.disconnect()
        assert broker.published == [(b"b", b"x" * 300, 0, False)]
        assert [line.split()[1:3] for line in lines if "PUBLISH" in line] == [["->", "PUBLISH"]]


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, OSError])
def test_a_log_that_raises_does_not_disturb(broker, error):
    def log(line):
        raise error

    client = client_on(TraceTransport(broker, log), broker)
    client.connect()
    client.publish("b", "hello")
    client.disconnect()
    assert broker.published == [(b"b", b"hello", 0, False)]


def test_faults_are_told_and_raised():
    lines = []
    below = FakeTransport()
    below.server = "broker.local"
    below.port = 1883
    transport = TraceTransport(TraceTransport(below, lambda line: None), lines.append)
    for opening in (lambda: transport.open(1), lambda: list(transport.opening(1))):
        below.fail_open = OSError(113)
        with pytest.raises(OSError):
            opening()
    list(transport.opening(1))
    below.fail_read = OSError(104)
    with pytest.raises(OSError):
        transport.readinto(bytearray(1), 1)
    below.fail_write = OSError(32)
    with pytest.raises(OSError):
        transport.write(b"a", 0, 1)
    transport.close()
    transport.close()
    refused = ["-- opening broker.local:1883", "-- " + repr(OSError(113))]
    assert strip(lines) == refused * 2 + [
        "-- opening broker.local:1883",
        "-- open",
        "-- " + repr(OSError(104)),
        "-- " + repr(OSError(32)),
        "-- closed",
    ]


def test_what_can_be_watched_is_passed_on():
    below = FakeTransport()
    transport = TraceTransport(below)
    assert transport.pollable is None
    below.pollable = "a socket"
    assert transport.pollable == "a socket"


# --- The command line --------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["-d", "--debug"])
def test_the_command_line_shows_packets(broker, mocker, capsys, option):
    mocker.patch.object(link, "time", broker.clock)
    mocker.patch.object(link, "transport", return_value=broker)
    assert main(["pub", "-t", "a", "-m", "x", "-q", "1", option]) == 0
    out = capsys.readouterr()
    assert "-> PUBLISH pid 1, a, QoS 1, payload 1 (8 bytes)" in out.err and not out.out
