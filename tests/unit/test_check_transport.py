"""`check_transport` accepts the transports that there are, and finds what is wrong with others."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import os
import socket
import ssl
import time

import pytest
import trustme

from umqtt2.testing import FakeTransport, check_transport, transport_checks
from umqtt2.testing.transport_checks import CHECKS, Wire
from umqtt2.transport.stream import StreamTransport
from umqtt2.transport.tcp import TCPTransport
from umqtt2.transport.tls import TLSTransport
from umqtt2.transport.websocket import WebSocketTransport

CA = trustme.CA()


class SocketPeer:
    """A server on this computer; the far end of the connection that was made last."""

    def __init__(self, context=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.context = context
        self.socket = None

    def accept(self):
        with contextlib.suppress(BlockingIOError, OSError):
            while True:
                accepted, _ = self.listener.accept()
                if self.socket:
                    self.socket.close()
                if self.context:
                    accepted = self.context.wrap_socket(
                        accepted, server_side=True, do_handshake_on_connect=False
                    )
                self.socket = accepted

    def send(self, data):
        self.accept()
        self.socket.settimeout(5)
        self.socket.sendall(data)

    def recv(self, n):
        self.accept()
        if not self.socket:
            return b""
        self.socket.settimeout(0)
        try:
            return self.socket.recv(n)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""

    def close(self):
        self.accept()
        self.listener.close()
        if self.socket:
            self.socket.close()


class FakePeer:
    """The far end of a FakeTransport."""

    def __init__(self, transport):
        self.transport = transport

    def send(self, data):
        self.transport.feed(data)

    def recv(self, n):
        data = bytes(self.transport.sent[:n])
        del self.transport.sent[:n]
        return data

    def close(self):
        self.transport.ended = True


class WebServer(FakeTransport):
    """Answers a WebSocket's handshake on each connection."""

    status = "101 Switching Protocols"
    shaken = False

    def open(self, timeout_ms):
        super().open(timeout_ms)
        self.shaken = self.ended = False
        self.incoming.clear()
        self.sent.clear()

    def write(self, buf, offset, n):
        taken = super().write(buf, offset, n)
        if not self.shaken and self.sent.endswith(b"\r\n\r\n"):
            self.shaken = True
            key = self.sent.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
            accept = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
            self.sent.clear()
            self.feed(b"HTTP/1.1 %s\r\nSec-WebSocket-Accept: " % self.status.encode())
            self.feed(base64.b64encode(accept) + b"\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n")
        return taken


class WebPeer(FakePeer):
    """The far end of a WebSocket. What it sends is in frames of several sizes, with a PING between them."""

    def send(self, data):
        while data:
            part = data[:200]
            data = data[200:]
            head = bytes([0x82, len(part)]) if len(part) < 126 else bytes([0x82, 126, 0, len(part)])
            self.transport.feed(head + part + b"\x89\x01!")

    def recv(self, n):
        sent = self.transport.sent
        out = b""
        while len(sent) > 1:
            at = 4 if sent[1] & 127 == 126 else 2
            size = sent[3] if at == 4 else sent[1] & 127
            if len(sent) < at + 4 + size:
                break
            mask = bytes(sent[at : at + 4])
            data = bytes(a ^ b for a, b in zip(sent[at + 4 : at + 4 + size], itertools.cycle(mask)))
            if sent[0] == 0x82:
                out += data
            del sent[: at + 4 + size]
        return out


class Line:
    """One end of a pty, with MicroPython's methods of a stream."""

    def __init__(self, fd):
        self.fd = fd

    def fileno(self):
        return self.fd

    def readinto(self, buf):
        try:
            data = os.read(self.fd, len(buf))
        except BlockingIOError:
            return None
        buf[: len(data)] = data
        return len(data)

    def write(self, buf):
        try:
            return os.write(self.fd, buf)
        except BlockingIOError:
            return None


class LinePeer:
    """The other end. A transport cannot see that it closes."""

    def __init__(self, fd):
        self.fd = fd

    def send(self, data):
        assert os.write(self.fd, data) == len(data)

    def recv(self, n):
        try:
            return os.read(self.fd, n)
        except BlockingIOError:
            return b""

    def close(self):
        return False


def tcp():
    peer = SocketPeer()
    return TCPTransport("127.0.0.1", peer.port), peer


def tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("localhost").configure_cert(context)
    peer = SocketPeer(context)
    transport = TLSTransport(
        "127.0.0.1", peer.port, cadata=CA.cert_pem.bytes(), server_hostname="localhost"
    )
    return transport, peer


def websocket():
    below = WebServer()
    return WebSocketTransport("broker", 80, transport=below), WebPeer(below)


def slow_websocket():
    transport, peer = websocket()
    peer.transport.read_sizes = itertools.cycle((1, 0, 3, 2, 100))
    peer.transport.write_sizes = itertools.cycle((1, 0, 0, 3, 50))
    return transport, peer


def fake():
    transport = FakeTransport()
    return transport, FakePeer(transport)


def slow_fake():
    transport, peer = fake()
    transport.read_sizes = itertools.cycle((1, 0, 3))
    transport.write_sizes = itertools.cycle((2, 0))
    return transport, peer


@pytest.fixture
def quick(monkeypatch):
    """What arrives, arrives soon; and what waits, waits for longer than that."""
    monkeypatch.setattr(transport_checks, "LIMIT_MS", 400)
    monkeypatch.setattr(transport_checks, "AT_ONCE_MS", 300)
    monkeypatch.setattr(transport_checks, "FULL_MS", 200)


def nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return TCPTransport("127.0.0.1", port)


def no_websocket():
    below = WebServer()
    below.status = "403 Forbidden"
    return WebSocketTransport("broker", transport=below)


@pytest.mark.parametrize("make", [fake, slow_fake])
def test_the_fake_transport_passes(make, monkeypatch):
    monkeypatch.setattr(transport_checks, "FULL", 1 << 20)
    check_transport(make)


def test_tcp_passes():
    check_transport(tcp, nobody_listens)


def test_tls_passes():
    check_transport(tls)


@pytest.mark.parametrize("make", [websocket, slow_websocket])
def test_a_websocket_passes(make, monkeypatch):
    monkeypatch.setattr(transport_checks, "FULL", 1 << 16)
    check_transport(make, no_websocket)


def test_a_stream_passes(request):
    pty = pytest.importorskip("pty")
    tty = pytest.importorskip("tty")

    def make():
        near, far = pty.openpty()
        for fd in (near, far):
            request.addfinalizer(lambda fd=fd: os.close(fd))
            tty.setraw(fd)
            os.set_blocking(fd, False)
        return StreamTransport(Line(near), quiet_ms=20), LinePeer(far)

    check_transport(make)


def test_an_open_that_should_fail_and_does_not_is_found():
    with pytest.raises(AssertionError, match="open: does not raise"):
        transport_checks.check_refused(FakeTransport())


def test_an_open_that_fails_with_another_exception_is_found():
    class Other(FakeTransport):
        def open(self, timeout_ms):
            raise ValueError

    with pytest.raises(AssertionError, match="ValueError"):
        transport_checks.check_refused(Other())


# --- Broken transports -----------------------------------------------------------------------------------


class NothingIsTheEnd(FakeTransport):
    def readinto(self, buf, n):
        return super().readinto(buf, n) or 0


class TheEndIsNothing(FakeTransport):
    def readinto(self, buf, n):
        return super().readinto(buf, n) or None


class ReadingWaits(FakeTransport):
    def readinto(self, buf, n):
        got = super().readinto(buf, n)
        if got is None:
            time.sleep(0.5)
        return got


class ReadsMoreThanAsked(FakeTransport):
    def readinto(self, buf, n):
        return super().readinto(buf, len(buf))


class LosesWhatIsNotAskedFor(FakeTransport):
    def readinto(self, buf, n):
        got = super().readinto(buf, n)
        if got and n == 1:
            self.incoming.clear()
        return got


class ReturnsTheBytes(FakeTransport):
    def readinto(self, buf, n):
        got = super().readinto(buf, n)
        return got and bytes(buf[:got])


class IgnoresTheOffset(FakeTransport):
    def write(self, buf, offset, n):
        return super().write(buf, 0, n)


class IgnoresTheLength(FakeTransport):
    def write(self, buf, offset, n):
        super().write(buf, offset, len(buf) - offset)
        return n


class ReturnsNothing(FakeTransport):
    def write(self, buf, offset, n):
        super().write(buf, offset, n)


class SaysItTookAll(FakeTransport):
    def write(self, buf, offset, n):
        super().write(buf, offset, min(n, 100))
        return n


class WritingWaits(FakeTransport):
    def write(self, buf, offset, n):
        time.sleep(0.5)
        return super().write(buf, offset, n)


class KeepsTheBuffer(FakeTransport):
    later = None

    def write(self, buf, offset, n):
        if self.later:
            super().write(*self.later)
        self.later = (buf, offset, n)
        return n

    def wait(self, flags, timeout_ms):
        if self.later:
            super().write(*self.later)
            self.later = None
        super().wait(flags, timeout_ms)


class TwiceAfterNone(FakeTransport):
    room = 5000

    def write(self, buf, offset, n):
        taken = super().write(buf, offset, n)
        self.room -= n
        if self.room < 0:
            self.room = 5000
            return None  # although it has taken them
        return taken


class OnlyBytes(FakeTransport):
    def write(self, buf, offset, n):
        if not isinstance(buf, bytes):
            raise AssertionError("not bytes")
        return super().write(buf, offset, n)


class SpoilsText(FakeTransport):
    def write(self, buf, offset, n):
        data = bytes(buf[offset : offset + n]).replace(b"\n", b"\r")
        return super().write(data, 0, n)


class ChangesTheBuffer(FakeTransport):
    def write(self, buf, offset, n):
        taken = super().write(buf, offset, n)
        if isinstance(buf, bytearray):
            buf[offset] = 0
        return taken


class WaitsForTooLong(FakeTransport):
    def wait(self, flags, timeout_ms):
        time.sleep(min(timeout_ms, 50) / 100)


class WaitsForData(FakeTransport):
    def wait(self, flags, timeout_ms):
        if not (flags & 1 and self.incoming):
            time.sleep(timeout_ms / 1000)


class RaisesAtTheEnd(FakeTransport):
    def readinto(self, buf, n):
        if self.ended:
            raise AssertionError("readinto: raises another exception")
        return super().readinto(buf, n)


class LosesTheLastWords(FakeTransport):
    def readinto(self, buf, n):
        return 0 if self.ended else super().readinto(buf, n)


class ErrorBeforeTheLastWords(FakeTransport):
    def readinto(self, buf, n):
        if self.ended:
            raise OSError(104)
        return super().readinto(buf, n)


class RemembersTheLastConnection(FakeTransport):
    def open(self, timeout_ms):
        super().open(timeout_ms)
        if self.opens > 1:
            self.feed(b"old")


class OpensOnce(FakeTransport):
    def open(self, timeout_ms):
        super().open(timeout_ms)
        if self.opens > 1:
            self.write_sizes = 0


class OpeningWaits(FakeTransport):
    def opening(self, timeout_ms):
        time.sleep(0.5)
        self.open(timeout_ms)
        yield


class OpeningDoesNotConnect(FakeTransport):
    def opening(self, timeout_ms):
        self.open(timeout_ms)
        self.write_sizes = 0
        yield


BROKEN = [
    value
    for value in list(globals().values())
    if isinstance(value, type)
    and value.__module__ == __name__
    and value.__bases__ == (FakeTransport,)
    and value is not WebServer
]


def broken_and_peer(broken):
    transport = broken()
    return transport, FakePeer(transport)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_what_is_wrong_is_found(broken, quick, monkeypatch):
    monkeypatch.setattr(transport_checks, "FULL", 1 << 17)
    with pytest.raises(AssertionError) as error:
        check_transport(lambda: broken_and_peer(broken))
    assert len(str(error.value)) > 7, "says what is wrong"


def found_by(check, broken):
    wire = Wire(lambda: broken_and_peer(broken))
    try:
        check(wire)
    except Exception:
        return True
    return False


# Each check, and what it alone is there to find.
FINDS = {
    "check_quiet": NothingIsTheEnd,
    "check_reading": LosesWhatIsNotAskedFor,
    "check_writing": SpoilsText,
    "check_buffer_is_the_clients": KeepsTheBuffer,
    "check_full": TwiceAfterNone,
    "check_waiting": WaitsForData,
    "check_end": LosesTheLastWords,
    "check_closing": RemembersTheLastConnection,
    "check_opening": OpeningWaits,
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_check_finds_something(check, quick, monkeypatch):
    monkeypatch.setattr(transport_checks, "FULL", 1 << 17)
    assert found_by(check, FINDS[check.__name__])


class TwiceClosed(FakeTransport):
    closed = False

    def close(self):
        if self.closed:
            raise OSError(9)
        self.closed = True


def test_a_close_that_raises_is_seen():
    with pytest.raises(OSError):
        check_transport(lambda: broken_and_peer(TwiceClosed))
