"""WebSocketTransport over a transport that is not there: the handshake, and frames in any pieces."""

from __future__ import annotations

import base64
import errno
import hashlib
import itertools
import os
import runpy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from umqtt2.testing import FakeTransport
from umqtt2.transport import websocket
from umqtt2.transport.websocket import WebSocketTransport

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
WELCOME = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSet-Cookie: {0}\r\n"
    "sec-websocket-ACCEPT: {1}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
)


class Server(FakeTransport):
    """Answers the handshake; then it is a FakeTransport like any other.

    request  its lines
    rest     what the server sends with its answer
    """

    answer = WELCOME
    rest = b""
    request: list[str] = []

    def write(self, buf, offset, n):
        taken = super().write(buf, offset, n)
        if not self.request and self.sent.endswith(b"\r\n\r\n"):
            self.request = self.sent.decode().split("\r\n")
            self.sent.clear()
            accept = hashlib.sha1((self.key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
            self.feed(self.answer.format("c" * 500, base64.b64encode(accept).decode()).encode() + self.rest)
        return taken

    @property
    def key(self):
        return next(line[19:] for line in self.request if line.startswith("Sec-WebSocket-Key: "))


@pytest.fixture
def server(mocker):
    made = Server()
    mocker.patch.object(websocket, "time", made.clock)
    return made


@pytest.fixture
def connected(server):
    transport = WebSocketTransport("host", transport=server)
    transport.open(1000)
    server.writes.clear()
    return transport


def frame(opcode, data=b"", fin=True):
    """A frame as servers send it."""
    n = len(data)
    length = b"\x7f" + n.to_bytes(8, "big")
    if n < 0x10000:
        length = bytes([n]) if n < 126 else b"\x7e" + n.to_bytes(2, "big")
    return bytes([fin << 7 | opcode]) + length + data


def frames(sent):
    """What a client sent, as (opcode, data), and the masks."""
    found, masks = [], []
    sent = bytes(sent)
    while sent:
        assert sent[0] & 0xF0 == 0x80 and sent[1] & 0x80, "not final, or not masked"
        n, at = sent[1] & 127, 2
        if n == 126:
            n, at = int.from_bytes(sent[2:4], "big"), 4
            assert n > 125
        mask, data = sent[at : at + 4], sent[at + 4 : at + 4 + n]
        assert len(data) == n
        found.append((sent[0] & 15, bytes(a ^ b for a, b in zip(data, itertools.cycle(mask)))))
        masks.append(mask)
        sent = sent[at + 4 + n :]
    return found, masks


def read(transport, sizes=None):
    """All that can be read now; the client asks for `sizes` bytes."""
    out = bytearray()
    for size in sizes or itertools.repeat(50):
        buf = bytearray(size)
        n = transport.readinto(buf, size)
        if not n:
            return bytes(out), n
        assert buf[n:] == bytes(size - n)
        out += buf[:n]


def write(transport, data, tries=10_000):
    """Write as the client does: the same again after None."""
    offset = 0
    while offset < len(data):
        offset += transport.write(data, offset, len(data) - offset) or 0
        tries -= 1
        assert tries


# --- The handshake -----------------------------------------------------------------------------------


@pytest.mark.mqtt("MQTT-6.0.0-3")
@pytest.mark.mqtt5("MQTT-6.0.0-3")
def test_it_asks_for_mqtt(server):
    WebSocketTransport("host", 8080, "/broker?a=b", server).open(1000)
    first, *headers = server.request
    assert first == "GET /broker?a=b HTTP/1.1"
    headers = dict(line.split(": ") for line in headers if line)
    assert headers["Host"] == "host:8080"
    assert headers["Upgrade"] == "websocket" and headers["Connection"] == "Upgrade"
    assert headers["Sec-WebSocket-Protocol"] == "mqtt" and headers["Sec-WebSocket-Version"] == "13"
    assert len(base64.b64decode(server.key)) == 16


def test_the_key_is_a_new_one_each_time(server):
    keys = set()
    for _ in range(3):
        server.request = []
        WebSocketTransport("host", transport=server).open(1000)
        keys.add(server.key)
    assert len(keys) == 3


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_on_a_port_without_urandom(server, monkeypatch):
    monkeypatch.delattr(os, "urandom")
    transport = runpy.run_module("umqtt2.transport.websocket")["WebSocketTransport"]("host", transport=server)
    transport.open(1000)
    write(transport, bytes(1280))
    assert len(set(frames(server.sent)[1])) > 5


def test_an_ipv6_address_as_host(server):
    WebSocketTransport("::1", 81, transport=server).open(1000)
    assert "Host: [::1]:81" in server.request


@pytest.mark.parametrize("port", [80, 443])
def test_the_default_port_is_not_named(server, port):
    """AWS and some proxies refuse a Host that does."""
    WebSocketTransport("broker.example", port, transport=server).open(1000)
    assert "Host: broker.example" in server.request


@pytest.mark.parametrize("bad", ["/\r\nX: y", "a b", "a\tb", "a\x7f", "\u00e4", "a\n"])
def test_a_server_or_path_that_no_url_may_have(bad):
    with pytest.raises(ValueError, match="server"):
        WebSocketTransport(bad)
    with pytest.raises(ValueError, match="path"):
        WebSocketTransport("host", 80, "/" + bad)


def test_without_more_it_is_over_tcp():
    below = WebSocketTransport("host", 81).transport
    assert (below.server, below.port) == ("host", 81)


@pytest.mark.parametrize("sizes", [1, 7, None])
def test_in_any_pieces(server, sizes):
    server.rest = frame(BINARY, b"early")
    pieces = [0, sizes, 0, 0, sizes]
    server.read_sizes = itertools.cycle(pieces)
    server.write_sizes = itertools.cycle(pieces)
    transport = WebSocketTransport("host", transport=server)
    transport.open(60_000)
    server.read_sizes = server.write_sizes = None
    assert read(transport) == (b"early", None)
    write(transport, b"hello")
    assert frames(server.sent)[0] == [(BINARY, b"hello")]


def test_opening_in_steps_does_not_wait(server):
    server.read_sizes = itertools.cycle([0, 40])
    transport = WebSocketTransport("host", transport=server)
    steps = sum(1 for _ in transport.opening(1000))
    assert steps > 3
    assert server.clock.now == type(server.clock)().now


def test_what_is_beneath_is_opened_in_steps_too(server):
    def opening(timeout_ms):
        server.open(timeout_ms)
        yield
        yield

    server.opening = opening
    server.answer = WELCOME.replace("Set-Cookie: {0}\r\n", "")
    assert len(list(WebSocketTransport("host", transport=server).opening(1000))) == 2


def test_what_an_event_loop_can_watch_is_beneath(server):
    transport = WebSocketTransport("host", transport=server)
    transport.open(1000)
    assert transport.pollable is None
    server.pollable = object()
    server.request = []
    transport.open(1000)
    assert transport.pollable is server.pollable


@pytest.mark.parametrize("answer, number", [("HTTP/1.1 404 Not Found", None), ("HTTP/1.1 503 Later", int)])
def test_a_refusal_says_why(server, answer, number):
    """One that may be another answer the next time has a number, as what fails in the network has."""
    server.answer = answer + "\r\n\r\n"
    with pytest.raises(OSError, match=answer) as caught:
        WebSocketTransport("host", transport=server).open(1000)
    assert isinstance(caught.value.args[0], int) is bool(number)
    assert not server.is_open


@pytest.mark.mqtt("MQTT-6.0.0-3")
@pytest.mark.mqtt5("MQTT-6.0.0-3")
@pytest.mark.parametrize(
    "answer",
    [
        WELCOME.replace("{1}", "wrong"),
        "HTTP/1.1 101 X\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
        WELCOME.replace("mqtt", "mqttv3.1"),
        WELCOME.replace("Sec-WebSocket-Protocol: mqtt\r\n", ""),
    ],
    ids=["another key", "no key", "another protocol", "no protocol"],
)
def test_a_server_that_does_not_agree(server, answer):
    server.answer = answer
    with pytest.raises(OSError, match="agree"):
        WebSocketTransport("host", transport=server).open(1000)
    assert not server.is_open


@pytest.mark.parametrize("header", ["Sec-WebSocket-Protocol:mqtt", "SEC-WEBSOCKET-PROTOCOL:  mqtt "])
def test_headers_may_be_written_differently(server, header):
    server.answer = WELCOME.replace("Sec-WebSocket-Protocol: mqtt", header)
    WebSocketTransport("host", transport=server).open(1000)


def test_on_a_port_without_sha1_the_answer_is_taken_as_it_is(server, mocker):
    mocker.patch.object(websocket, "sha1", None)
    server.answer = WELCOME.replace("{1}", "who knows")
    WebSocketTransport("host", transport=server).open(1000)
    assert server.is_open


@pytest.mark.parametrize("answer", ["", "HTTP/1.1 101 Switching Pro"])
def test_an_answer_that_does_not_come(server, answer):
    server.answer = answer
    with pytest.raises(OSError) as caught:
        WebSocketTransport("host", transport=server).open(1000)
    assert caught.value.args[0] == errno.ETIMEDOUT
    assert not server.is_open
    assert server.clock.now >= 1000


class Endless(FakeTransport):
    """A server that never stops: it sends the same again and again."""

    def __init__(self, data, clock):
        super().__init__(clock=clock)
        self.data = itertools.cycle(data)
        self.reads = 0

    def readinto(self, buf, n):
        self.reads += 1
        buf[0] = next(self.data)
        return 1


@pytest.mark.parametrize("answer", [b"HTTP/1.1 101 X\r\nX: y\r\n", b"HTTP/1.1 101 ", b"\0"])
def test_an_endless_answer(server, answer):
    endless = Endless(answer, server.clock)
    transport = WebSocketTransport("host", transport=endless)
    steps = transport.opening(1000)
    with pytest.raises(OSError):
        while True:
            before = endless.reads
            next(steps)
            assert endless.reads - before <= 1000, "a step that takes long"
    assert endless.reads < 20_000
    assert not endless.is_open


@pytest.mark.parametrize("timeout", [0, 10, 50])
def test_an_answer_that_takes_longer_than_there_is_time(server, timeout):
    endless = Endless(b"HTTP/1.1 101 X\r\nX: y\r\n", server.clock)
    with pytest.raises(OSError) as caught:
        WebSocketTransport("host", transport=endless).open(timeout)
    assert caught.value.args[0] == errno.ETIMEDOUT
    assert server.clock.now <= timeout + 10
    assert not endless.is_open


def test_a_peer_that_closes_instead(server):
    server.answer = "HTTP/1.1 101 Switching Pro"
    server.ended = True
    with pytest.raises(OSError) as caught:
        WebSocketTransport("host", transport=server).open(1000)
    assert caught.value.args[0] == errno.ECONNRESET
    assert not server.is_open


@pytest.mark.parametrize("when", ["fail_open", "fail_write", "fail_read"])
def test_what_fails_beneath(server, when):
    setattr(server, when, OSError(113, "unreachable"))
    with pytest.raises(OSError, match="unreachable"):
        WebSocketTransport("host", transport=server).open(1000)
    assert not server.is_open


# --- Sending -----------------------------------------------------------------------------------------


@pytest.mark.mqtt("MQTT-6.0.0-1")
@pytest.mark.mqtt5("MQTT-6.0.0-1")
@pytest.mark.parametrize("size", [1, 2, 125, 126, 128])
def test_a_small_packet_is_one_masked_frame_and_one_write(connected, server, size):
    data = bytes(range(size))
    assert connected.write(b"!!" + data, 2, size) == size
    assert frames(server.sent)[0] == [(BINARY, data)]
    assert len(server.writes) == 1


@given(st.binary(min_size=1, max_size=1000), st.lists(st.integers(0, 200)))
def test_a_packet_in_any_pieces(data, sizes):
    server = Server()
    transport = WebSocketTransport("host", transport=server)
    transport.open(1000)
    server.write_sizes = iter(sizes)
    write(transport, data)
    assert b"".join(part for _, part in frames(server.sent)[0]) == data


def test_each_frame_has_a_mask_of_its_own(connected, server):
    write(connected, bytes(1280))
    assert len(set(frames(server.sent)[1])) == 10


def test_a_memoryview_is_written(connected, server):
    write(connected, memoryview(b"view"))
    assert frames(server.sent)[0] == [(BINARY, b"view")]


def test_waiting_is_for_what_is_beneath(connected, mocker):
    wait = mocker.patch.object(connected.transport, "wait")
    connected.wait(4, 300)
    wait.assert_called_once_with(4, 300)


# --- Receiving ---------------------------------------------------------------------------------------

data_frames = st.tuples(st.sampled_from([BINARY, 0]), st.binary(max_size=300), st.booleans())
control_frames = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125), st.just(True))


@pytest.mark.long
@pytest.mark.mqtt("MQTT-6.0.0-2")
@pytest.mark.mqtt5("MQTT-6.0.0-2")
@given(
    st.lists(st.one_of(data_frames, control_frames)),
    st.lists(st.integers(0, 20)),
    st.lists(st.integers(1, 200)),
    st.lists(st.integers(0, 20)),
)
def test_frames_in_any_pieces_with_control_frames_between(sequence, there, wanted, room):
    server = Server()
    transport = WebSocketTransport("host", transport=server)
    transport.open(1000)
    server.feed(b"".join(frame(*item) for item in sequence))
    server.read_sizes, server.write_sizes = iter(there), iter(room)
    sizes = itertools.chain(wanted, itertools.repeat(64))
    got = b""
    while server.incoming:
        got += read(transport, sizes)[0]
    assert got == b"".join(data for opcode, data, _ in sequence if opcode in (BINARY, 0))
    server.write_sizes = None
    read(transport)
    asked = [data for opcode, data, _ in sequence if opcode == PING]
    answered = [data for opcode, data in frames(server.sent)[0] if opcode == PONG]
    assert answered == asked or sum(map(len, asked)) > 128 and set(answered) < set(asked)


def test_a_large_frame(connected, server):
    data = bytes(range(256)) * 300
    server.feed(frame(BINARY, data) + frame(BINARY, b"next"))
    assert read(connected) == (data + b"next", None)


def test_a_ping_amid_a_frame_that_is_half_sent(connected, server):
    server.write_sizes = iter([3, 0])
    assert connected.write(b"hello", 0, 5) is None
    server.feed(frame(PING, b"?"))
    assert read(connected) == (b"", None)
    assert connected.write(b"hello", 0, 5) == 5
    assert connected.write(b"world", 0, 5) == 5
    assert frames(server.sent)[0] == [(BINARY, b"hello"), (PONG, b"?"), (BINARY, b"world")]


def test_an_answer_that_is_half_sent_goes_before_the_next_frame(connected, server):
    server.write_sizes = iter([3, 0, 2, 0, 0])
    server.feed(frame(PING, b"?"))
    assert read(connected) == (b"", None)
    assert connected.write(b"hello", 0, 5) is None
    assert connected.write(b"hello", 0, 5) is None
    assert connected.write(b"hello", 0, 5) == 5
    assert frames(server.sent)[0] == [(PONG, b"?"), (BINARY, b"hello")]


def test_no_number_of_pings_fills_the_memory(connected, server):
    server.write_sizes = 0
    for _ in range(1000):
        server.feed(frame(PING, bytes(125)))
        read(connected)
    server.write_sizes = None
    read(connected)
    assert len(server.sent) < 1000


@pytest.mark.parametrize("size", [0, 125])
@pytest.mark.parametrize("opcode", [PING, PONG, BINARY])
def test_frames_without_data_do_not_hold_the_client(connected, server, opcode, size):
    endless = Endless(frame(opcode, bytes(size if opcode != BINARY else 0)), server.clock)
    endless.is_open = True
    connected.transport = endless
    assert connected.readinto(bytearray(50), 50) is None
    assert endless.reads < 10_000


def test_all_frames_without_data_are_taken_in_the_end(connected, server):
    server.feed(frame(PONG, b"x") * 200 + frame(BINARY) * 200 + frame(BINARY, b"data"))
    found = b""
    for _ in range(100):
        found += read(connected)[0]
    assert found == b"data"


def test_a_write_that_was_refused_is_offered_again_as_it_was(connected, server, mocker):
    """Also when another PING came; TLS insists on that."""
    offered = []

    def write(buf, offset, n):
        offered.append(bytes(buf[offset : offset + n]))
        return taken.pop(0)

    mocker.patch.object(server, "write", write)
    taken = [None] * 4
    server.feed(frame(PING, b"1"))
    read(connected)
    server.feed(frame(PING, b"2"))
    read(connected)
    assert connected.write(b"hello", 0, 5) is None
    assert len(offered) >= 3 and len(set(offered)) == 1
    assert frames(offered[0])[0] == [(PONG, b"1")]
    taken[:] = [7, 7, None]  # both PONGs, and not the data
    assert connected.write(b"hello", 0, 5) is None
    server.feed(frame(PING, b"3"))
    taken[:] = [None]
    read(connected)
    connected.write(b"hello", 0, 5)
    assert offered[-1] == offered[-2]
    assert frames(offered[-1])[0] == [(BINARY, b"hello")]


@pytest.mark.parametrize("status", [b"", b"\x03\xe8bye"])
def test_a_close_is_answered(connected, server, status):
    server.feed(frame(BINARY, b"last") + frame(CLOSE, status))
    assert read(connected) == (b"last", 0)
    assert frames(server.sent)[0] == [(CLOSE, status)]


def test_the_end_of_the_connection(connected, server):
    server.feed(frame(BINARY, b"last"))
    server.ended = True
    assert read(connected) == (b"last", 0)


@pytest.mark.mqtt("MQTT-6.0.0-1")
@pytest.mark.mqtt5("MQTT-6.0.0-1")
@pytest.mark.parametrize(
    "bad",
    [
        frame(TEXT, b"text"),
        frame(PING, fin=False),
        frame(PING, bytes(126)),
        frame(3),
        frame(11),
        b"\x82\x81mask!",
        b"\xc2\x01x",
    ],
    ids=["text", "a ping in fragments", "a long ping", "3", "11", "masked", "with a reserved bit"],
)
def test_a_frame_that_may_not_be_is_an_error(connected, server, bad):
    server.feed(bad)
    with pytest.raises(OSError, match="frame"):
        read(connected)


# --- The end -----------------------------------------------------------------------------------------


def test_closing_says_so_once(connected, server):
    connected.close()
    connected.close()
    assert frames(server.sent)[0] == [(CLOSE, b"")]
    assert not server.is_open


def test_closing_what_was_never_open(server):
    WebSocketTransport("host", transport=server).close()
    assert not server.sent


def test_closing_a_connection_that_is_broken(connected, server):
    server.fail_write = OSError(104)
    connected.close()
    assert not server.is_open


def test_closing_without_memory(connected, server, mocker):
    mocker.patch.object(server, "write", side_effect=MemoryError)
    connected.close()
    assert not server.is_open


def test_closing_amid_an_opening_that_ran_out_of_memory(server, mocker):
    transport = WebSocketTransport("host", transport=server)
    mocker.patch.object(websocket, "random_bytes", side_effect=MemoryError)
    with pytest.raises(MemoryError):
        transport.open(1000)
    transport.close()
    assert not server.is_open


def test_closing_amid_a_frame_adds_nothing_to_it(connected, server):
    server.write_sizes = iter([3, 0])
    connected.write(b"hello", 0, 5)
    connected.close()
    assert len(server.sent) == 3


def test_after_half_a_frame_each_way_a_new_connection_begins_anew(connected, server):
    server.write_sizes = iter([3, 0])
    connected.write(b"hello", 0, 5)
    server.feed(frame(BINARY, b"hello")[:4] + frame(PING, b"?")[:1])
    read(connected)
    connected.close()
    server.sent.clear()
    server.incoming.clear()
    server.request = []
    connected.open(1000)
    server.feed(frame(BINARY, b"new"))
    assert read(connected) == (b"new", None)
    write(connected, b"new")
    assert frames(server.sent)[0] == [(BINARY, b"new")]
