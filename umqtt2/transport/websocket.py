"""WebSocket (RFC 6455) over TCP, TLS, or any other transport."""

try:
    from ..cpython import clock as time
except ImportError:
    import time  # type: ignore[no-redef]
from binascii import b2a_base64
from errno import ECONNREFUSED, ECONNRESET, ETIMEDOUT

from ..constants import ONE_WRITE, POLL_MS, STRICT
from .tcp import TCPTransport

try:
    from hashlib import sha1
except ImportError:
    sha1 = None  # type: ignore[assignment]  # a port without TLS: the server's answer is taken as it is

try:
    from os import urandom as random_bytes
except ImportError:  # a port without it
    from random import getrandbits

    def random_bytes(n):  # type: ignore[misc, no-untyped-def]
        """Return `n` random bytes."""
        return bytes([getrandbits(8) for _ in range(n)])


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generator

    from ..cpython.contracts import Transport

ONE_FRAME = ONE_WRITE  # bytes of a write that go into one frame: the client's smaller packets whole
FRAME_HEAD = 8  # bytes before them
ANSWERS = 256  # bytes of answers to PINGs that wait to be sent, at the most
LINES = 8192  # bytes of the server's answer to the handshake, at the most
FRAMES = 32  # without data for the client, that one read takes at the most
READS = 256  # bytes that one step of the handshake reads at the most

REQUEST = (
    "GET %s HTTP/1.1\r\n"
    "Host: %s\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key: %s\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n"
)
AGREED = b"sec-websocket-protocol:mqtt\r\n"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# The first byte of a frame.
BINARY = 0x82
CLOSE = 0x88
PING = 0x89
PONG = 0x8A
FINAL = 0x80
LAST_FRAME = b"\x88\x80\0\0\0\0"  # CLOSE; a mask for no data need not be random


class WebSocketTransport:
    """MQTT in the binary frames of a WebSocket [MQTT-6.0.0-1 to 4].

    transport  what is beneath
    pollable   what an event loop can watch in its place: that of the transport beneath, or None
    """

    _end: "int"  # of the frame that is being sent, in _frame; 0 is none
    _at: "int"  # what of it was sent
    _taken: "int"  # bytes of the client's in it
    _answers: "bytes"  # to PING and CLOSE, that wait
    _answer: "bytes"  # the one that is being sent, as far as it is not
    _got: "int"  # bytes of a frame's header, or of a whole control frame, in _head
    _need: "int"  # of them, as far as is known
    _left: "int"  # of the frame's data, to be read
    _lines: "int"  # bytes of the server's answer to the handshake

    def __init__(
        self, server: "str", port: "int" = 80, path: "str" = "/mqtt", transport: "Transport | None" = None
    ) -> "None":
        """
        server, port  of the broker's WebSocket listener
        path          of the URL, with what may follow it after a "?"
        transport     what carries the WebSocket, such as a TLSTransport(server, 443, ...) for wss://; by
                      default TCPTransport(server, port)

        Raises ValueError for a server or path that no URL may have, TypeError for what is no text, or a port that is
        no int.
        """
        if STRICT:
            _check_address(server, port, path)
        for name, value in (("server", server), ("path", path)):
            for character in value:
                if not "!" <= character <= "~":
                    raise ValueError(name + ": a space, a control character, or not ASCII")
        host = "[%s]" % server if ":" in server else server
        if port not in (80, 443):  # a default port is not named [RFC 7230, 5.4; RFC 3986, 6.2.3]
            host += ":%d" % port
        self.transport = transport or TCPTransport(server, port)
        self._url = (path, host)
        self._frame = bytearray(FRAME_HEAD + ONE_FRAME)
        self._head = bytearray(10)
        self._open = False

    def open(self, timeout_ms: "int") -> "None":
        """Connect, and shake hands with the server. Raises what the transport beneath does; OSError with
        a text when the server refuses, or with a number too when it may not refuse later (5xx); and
        OSError(ETIMEDOUT)."""
        start = time.ticks_ms()
        for _ in self.opening(timeout_ms):
            if 0 <= timeout_ms <= time.ticks_diff(time.ticks_ms(), start):
                self.close()
                raise OSError(ETIMEDOUT)
            time.sleep_ms(POLL_MS)

    def opening(self, timeout_ms: "int") -> "Generator[None, None, None]":
        """`open` in steps: a generator that ends when the connection is made. None waits, if the
        transport beneath can do that too. How long it takes is for the caller to limit."""
        below = self.transport
        try:
            if hasattr(below, "opening"):
                yield from below.opening(timeout_ms)
            else:
                below.open(timeout_ms)
            yield from self._handshake()
        except BaseException:
            below.close()
            raise
        self.pollable = getattr(below, "pollable", None)
        self._answers = self._answer = b""
        self._end = self._got = self._left = 0
        self._need = 2
        self._open = True

    def _handshake(self) -> "Generator[None, None, None]":
        key = b2a_base64(random_bytes(16))[:-1]
        accept = b"" if sha1 is None else b2a_base64(sha1(key + GUID).digest())[:-1]
        agreed = False
        request = (REQUEST % (self._url + (key.decode(),))).encode()
        while request:
            n = self.transport.write(request, 0, len(request))
            request = request[n or 0 :]
            if not n:
                yield
        self._lines = 0
        text = yield from self._line()
        if text[9:12] != b"101":
            why = "websocket: %r" % text[:-2]
            raise OSError(ECONNREFUSED, why) if text[9:10] == b"5" else OSError(why)
        while text != b"\r\n":
            text = yield from self._line()
            if accept in text:
                accept = b""  # in one header or another: nobody else can know it
            if text.lower().replace(b" ", b"") == AGREED:
                agreed = True
        if accept or not agreed:
            raise OSError("websocket: no agreement")

    def _line(self) -> "Generator[None, None, bytes]":
        # Return a line of the server's answer, or as much of it as _frame holds: those that matter are
        # shorter. It is read byte by byte, because what follows the answer belongs to the client.
        size = 0
        while True:
            n = self.transport.readinto(self._head, 1)
            if n:
                self._lines += 1
                if self._lines > LINES:
                    raise OSError("websocket: an endless answer")
                if not self._lines % READS:
                    yield
                if size < len(self._frame):
                    self._frame[size] = self._head[0]
                    size += 1
                if self._head[0] == 10:
                    return bytes(self._frame[:size])
            elif n is None:
                yield
            else:
                raise OSError(ECONNRESET)

    def readinto(self, buf: "bytearray | memoryview", n: "int") -> "int | None":
        """See the contract in `umqtt2.transport`. PINGs are answered in here."""
        below = self.transport
        head = self._head
        self._send_answers()
        got: "int | None"
        frames = 0
        while not self._left:
            if frames >= FRAMES:
                return None  # a server that sends nothing but empty frames does not hold the client
            at = self._got
            got = below.readinto(memoryview(head)[at:] if at else head, self._need - at)
            if not got:
                return got
            self._got = at + got
            if self._got == self._need:
                frames += 1
                if self._parse():
                    return 0
        got = below.readinto(buf, min(n, self._left))
        if got:
            self._left -= got
        return got

    def _parse(self) -> "bool":
        # What there is of a frame says that there is more of its header, or it is all that is before its
        # data, or a whole control frame. Return whether it closes the connection.
        head = self._head
        first = head[0]
        n = head[1]
        control = first in (CLOSE, PING, PONG) and n < 126
        if n > 127 or not control and first | FINAL not in (FINAL, BINARY):
            raise OSError("websocket: frame %x" % first)
        need = 2 + (n if control else 2 if n == 126 else 8 if n == 127 else 0)
        if need > self._need:
            self._need = need
            if need > len(head):
                head.extend(bytes(need - len(head)))
            return False
        self._got = 0
        self._need = 2
        if not control:
            self._left = int.from_bytes(head[2:need], "big") if need > 2 else n
        elif first != PONG and len(self._answers) < ANSWERS:
            answer = bytearray(n + FRAME_HEAD)
            n = frame(answer, PONG if first == PING else CLOSE, head, n, 2)
            self._answers += answer[:n]
            self._send_answers()
        return first == CLOSE

    def _send_answers(self) -> "bool":
        # Send answers, unless they would come amid another frame. Return whether none is left. One that the
        # transport did not take is offered to it again as it was, whatever comes behind it.
        while not self._end:
            if not self._answer:
                self._answer = self._answers
                self._answers = b""
                if not self._answer:
                    break
            n = self.transport.write(self._answer, 0, len(self._answer))
            if not n:
                break
            self._answer = self._answer[n:]
        return not self._answer

    def write(self, buf: "bytes | bytearray | memoryview", offset: "int", n: "int") -> "int | None":
        """See the contract in `umqtt2.transport`. At most 128 bytes are taken at a time, in a frame of
        their own."""
        if not self._end:
            if not self._send_answers():
                return None
            self._taken = min(n, ONE_FRAME)
            self._end = frame(self._frame, BINARY, buf, self._taken, offset)
            self._at = 0
        while self._at < self._end:
            sent = self.transport.write(self._frame, self._at, self._end - self._at)
            if not sent:
                return None
            self._at += sent
        self._end = 0
        return self._taken

    def wait(self, flags: "int", timeout_ms: "int") -> "None":
        """See the contract in `umqtt2.transport`."""
        self.transport.wait(flags, timeout_ms)

    def close(self) -> "None":
        """See the contract in `umqtt2.transport`."""
        if self._open:
            self._open = False
            if not self._end and not self._answer and not self._answers:
                try:
                    self.transport.write(LAST_FRAME, 0, 6)
                except Exception:  # also of memory: what is beneath must be closed
                    pass
        self.transport.close()


def _check_address(server: "str", port: "int", path: "str") -> "None":
    """Raise TypeError or ValueError, with the name of the argument, for what a WebSocketTransport cannot have."""
    for name, value in (("server", server), ("path", path)):
        if not isinstance(value, str):
            raise TypeError("%s: not a str but %s" % (name, type(value).__name__))
    if not isinstance(port, int):
        raise TypeError("port: not an int but %s" % type(port).__name__)
    if path[:1] != "/":
        raise ValueError("path: does not begin with /")


def frame(
    target: "bytearray", first: "int", buf: "bytes | bytearray | memoryview", n: "int", offset: "int"
) -> "int":
    """Write a masked frame with up to 255 bytes of `buf` into `target`, and return its length."""
    target[0] = first
    at = 2
    target[1] = FINAL | n
    if n > 125:
        target[1] = 254
        target[2] = 0
        target[3] = n
        at = 4
    mask = target[at : at + 4] = random_bytes(4)
    at += 4
    for i in range(n):
        target[at + i] = buf[offset + i] ^ mask[i & 3]
    return at + n
