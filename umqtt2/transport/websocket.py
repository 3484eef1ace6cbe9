"""WebSocket (RFC 6455) over TCP, TLS, or any other transport."""

try:
    from ..hosted import clock as time
except ImportError:
    import time  # type: ignore[no-redef]
from binascii import b2a_base64
from errno import ECONNREFUSED, ECONNRESET, ETIMEDOUT
from os import urandom

from .tcp import TCPTransport

try:
    from hashlib import sha1
except ImportError:
    sha1 = None  # type: ignore[assignment]  # a port without TLS: the server's answer is taken as it is

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generator

    from ..hosted.contracts import Transport

STEP = 5  # milliseconds between two looks at a connection that is being made
ONE_FRAME = 128  # bytes of a write that go into one frame: the client's smaller packets whole
HEAD = 8  # bytes before them
UNANSWERED = 256  # bytes of answers to PINGs that wait to be sent, at the most

REQUEST = (
    "GET %s HTTP/1.1\r\n"
    "Host: %s:%d\r\n"
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


class WebSocketTransport:
    """MQTT in the binary frames of a WebSocket [MQTT-6.0.0-1 to 4].

    transport  what is beneath
    pollable   what an event loop can watch in its place: that of the transport beneath, or None
    """

    _end: "int"  # of the frame that is being sent, in _frame; 0 is none
    _at: "int"  # what of it was sent
    _taken: "int"  # bytes of the client's in it
    _answers: "bytes"  # to PING and CLOSE, as far as they are not sent
    _got: "int"  # bytes of a frame's header, or of a whole control frame, in _head
    _need: "int"  # of them, as far as is known
    _left: "int"  # of the frame's data, to be read

    def __init__(
        self, server: "str", port: "int" = 80, path: "str" = "/mqtt", transport: "Transport | None" = None
    ) -> "None":
        """
        server, port  of the broker's WebSocket listener
        path          of the URL, with what may follow it after a "?"
        transport     what carries the WebSocket, such as a TLSTransport(server, 443, ...) for wss://; by
                      default TCPTransport(server, port)
        """
        self.transport = transport or TCPTransport(server, port)
        self._url = (path, "[%s]" % server if ":" in server else server, port)
        self._frame = bytearray(HEAD + ONE_FRAME)
        self._head = bytearray(10)
        self._open = False

    def open(self, timeout_ms: "int") -> "None":
        """Connect, and shake hands with the server. Raises what the transport beneath does; OSError with
        a text when the server refuses, or with a number too when it may not refuse later (5xx); and
        OSError(ETIMEDOUT)."""
        for _ in self.opening(timeout_ms):
            time.sleep_ms(STEP)

    def opening(self, timeout_ms: "int") -> "Generator[None, None, None]":
        """`open` in steps: a generator that ends when the connection is made. None waits, if the
        transport beneath can do that too."""
        start = time.ticks_ms()
        below = self.transport
        try:
            if hasattr(below, "opening"):
                yield from below.opening(timeout_ms)
            else:
                below.open(timeout_ms)
            for _ in self._handshake():
                if 0 <= timeout_ms <= time.ticks_diff(time.ticks_ms(), start):
                    raise OSError(ETIMEDOUT)
                yield
        except BaseException:
            below.close()
            raise
        self.pollable = getattr(below, "pollable", None)
        self._open = True
        self._answers = b""
        self._end = self._got = self._left = 0
        self._need = 2

    def _handshake(self) -> "Generator[None, None, None]":
        key = b2a_base64(urandom(16))[:-1]
        accept = b"" if sha1 is None else b2a_base64(sha1(key + GUID).digest())[:-1]
        agreed = False
        request = (REQUEST % (self._url + (key.decode(),))).encode()
        while request:
            n = self.transport.write(request, len(request), 0)
            request = request[n or 0 :]
            if not n:
                yield
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
        if self._answers:
            self._answered()
        got: "int | None"
        while not self._left:
            at = self._got
            got = below.readinto(memoryview(head)[at:] if at else head, self._need - at)
            if not got:
                return got
            self._got = at + got
            if self._got == self._need and self._parse():
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
        elif first != PONG and len(self._answers) < UNANSWERED:
            answer = bytearray(n + HEAD)
            n = frame(answer, PONG if first == PING else CLOSE, head, n, 2)
            self._answers += answer[:n]
            self._answered()
        return first == CLOSE

    def _answered(self) -> "bool":
        # Send answers, unless they would come amid another frame. Return whether none is left.
        while self._answers and not self._end:
            n = self.transport.write(self._answers, len(self._answers), 0)
            if not n:
                break
            self._answers = self._answers[n:]
        return not self._answers

    def write(self, buf: "bytes | bytearray | memoryview", n: "int", offset: "int") -> "int | None":
        """See the contract in `umqtt2.transport`. At most 128 bytes are taken at a time, in a frame of
        their own."""
        if not self._end:
            if not self._answered():
                return None
            self._taken = min(n, ONE_FRAME)
            self._end = frame(self._frame, BINARY, buf, self._taken, offset)
            self._at = 0
        while self._at < self._end:
            sent = self.transport.write(self._frame, self._end - self._at, self._at)
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
            if not self._end and not self._answers:
                try:
                    self.transport.write(self._frame, frame(self._frame, CLOSE, b"", 0, 0), 0)
                except OSError:
                    pass
        self.transport.close()


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
    mask = target[at : at + 4] = urandom(4)
    at += 4
    for i in range(n):
        target[at + i] = buf[offset + i] ^ mask[i & 3]
    return at + n
