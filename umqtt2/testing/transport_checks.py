"""Checks of a transport against the contract in `umqtt2.transport`."""

try:
    from ..cpython import clock as time
except ImportError:
    import time  # type: ignore[no-redef]

from ..constants import READABLE, WRITABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ..cpython.contracts import Peer, Transport

AT_ONCE_MS = 2000  # a call that must not wait returns in this time, also on a busy computer
LIMIT_MS = 20000  # for what is on its way to arrive
OPEN_MS = 10000
FULL_MS = 1000  # for which a check tries to fill a transport
FULL = 16 << 20  # bytes, likewise
EVERY_BYTE = bytes(range(256))


def check_transport(
    make: "Callable[[], tuple[Transport, Peer]]", refused: "Callable[[], Transport] | None" = None
) -> "None":
    """Try a transport of your own: all that `umqtt2.transport` says.

    make     returns a new transport, not open yet, and its peer, which is what is at the far end of it: an
             object with `send(data)`, which sends all of `data`; `recv(n)`, which returns up to `n` bytes
             that have come, or b"" when there are none now; and `close()`, which closes the far end, may be
             called twice, and returns False when a transport of this kind cannot see that. When the
             transport is opened again, the peer is at the far end of the new connection
    refused  returns a transport whose `open` must fail

    The peer runs in the same thread, so that none of its calls may wait for the transport for long.

    Raises AssertionError with a text that says what is wrong, and whatever the transport raises.
    """
    for check in CHECKS:
        wire = Wire(make)
        try:
            check(wire)
        finally:
            wire.close()
    if refused:
        check_refused(refused())


class Wire:
    """A transport and its peer, and calls of them that look at what is returned.

    sees_end  whether the transport can see that its peer has closed
    """

    def __init__(self, make: "Callable[[], tuple[Transport, Peer]]") -> "None":
        self.transport, self.peer = make()
        self.sees_end = True

    def open(self) -> "None":
        """Connect, and write first, as the client does: a handshake may be left to that."""
        self.transport.open(OPEN_MS)
        self.greet()

    def greet(self) -> "None":
        """Write the first bytes of a connection."""
        expect(self.write_all(b"first") == b"first", "write: other bytes arrive than were written first")

    def close(self) -> "None":
        """Close both ends."""
        try:
            self.transport.close()
        finally:
            self.peer.close()

    def end(self) -> "None":
        """Have the peer close."""
        self.sees_end = self.peer.close() is not False

    def read(self, n: "int", size: "int | None" = None) -> "bytes | int | None":
        """Read up to `n` bytes into a buffer of `size`: the bytes, or what `readinto` returned."""
        size = n if size is None else size
        buf = bytearray(b"\xa5" * size)
        start = time.ticks_ms()
        got = self.transport.readinto(memoryview(buf) if size & 1 else buf, n)
        expect_at_once(start, "readinto")
        expect(got is None or isinstance(got, int), "readinto: returned neither an int nor None")
        expect(not got or 0 < got <= n, "readinto: returned %r when asked for %d" % (got, n))
        expect(len(buf) == size, "readinto: changed the size of the buffer")
        expect(buf[got or 0 :] == b"\xa5" * (size - (got or 0)), "readinto: wrote behind what it returned")
        return bytes(buf[:got]) if got else got

    def read_all(self, n: "int", sizes: "tuple[int, ...]" = (128,)) -> "bytes":
        """Read until `n` bytes have come, in pieces of these sizes."""
        out = b""
        start = time.ticks_ms()
        i = 0
        while len(out) < n:
            size = min(sizes[i % len(sizes)], n - len(out))
            data = self.read(size, size + i % 3)
            i += 1
            if data:
                expect(isinstance(data, bytes), "readinto: nothing but bytes")
                out += data  # type: ignore[operator]
            else:
                expect(data is None, "readinto: %r, although %d bytes are to come" % (data, n - len(out)))
                expect_soon(start, "readinto: %d of %d bytes came" % (len(out), n))
                self.transport.wait(READABLE, 10)
        return out

    def write_some(self, buf: "Any", offset: "int", n: "int") -> "int | None":
        """Write once."""
        start = time.ticks_ms()
        taken = self.transport.write(buf, offset, n)
        expect_at_once(start, "write")
        expect(
            taken is None or isinstance(taken, int) and 0 <= taken <= n,
            "write: returned %r for %d bytes" % (taken, n),
        )
        return taken

    def write_all(self, data: "bytes") -> "bytes":
        """Write as the client does, and return what arrives."""
        out = b""
        start = time.ticks_ms()
        offset = 0
        while offset < len(data):
            taken = self.write_some(data, offset, len(data) - offset)
            offset += taken or 0
            out += self.peer.recv(65536)
            if not taken:
                expect_soon(start, "write: took %d of %d bytes" % (offset, len(data)))
                self.transport.wait(WRITABLE, 10)
        return self.receive(len(data), out)

    def receive(self, n: "int", out: "bytes" = b"") -> "bytes":
        """Return `n` bytes that arrive at the peer, and what comes too much."""
        start = time.ticks_ms()
        parts = [out]
        got = len(out)
        while got < n:
            part = self.peer.recv(65536)
            parts.append(part)
            got += len(part)
            if not part:
                expect_soon(start, "write: %d of %d bytes that it took arrive" % (got, n))
                self.transport.wait(READABLE, 1)
        parts.append(self.peer.recv(65536))
        return b"".join(parts)


def expect(condition: "object", text: "str") -> "None":
    """Raise AssertionError with this text unless the condition holds."""
    if not condition:
        raise AssertionError(text)


def expect_at_once(start: "int", name: "str") -> "None":
    """Raise AssertionError when too much time has passed since `start` for a call that does not wait."""
    expect(time.ticks_diff(time.ticks_ms(), start) < AT_ONCE_MS, name + ": waits")


def expect_soon(start: "int", text: "str") -> "None":
    """Raise AssertionError when too much time has passed since `start`."""
    expect(time.ticks_diff(time.ticks_ms(), start) < LIMIT_MS, text)


# --- The checks ------------------------------------------------------------------------------------------


def check_quiet(wire: "Wire") -> "None":
    """A transport that has nothing to read says None, and does not wait."""
    wire.open()
    for n in (1, 128):
        data = wire.read(n)
        expect(data is None, "readinto: %r when nothing has come; None is meant" % data)


def check_reading(wire: "Wire") -> "None":
    """All bytes come, in order, at the start of the buffer, and no more than asked for."""
    wire.open()
    for data in (b"\x20\x02\0\0", EVERY_BYTE, bytes(500), EVERY_BYTE * 8):
        wire.peer.send(data)
        expect(wire.read_all(len(data), (1, 2, 7, 128)) == data, "readinto: other bytes than the peer sent")
    more = wire.read(128)
    expect(more is None, "readinto: %r after all was read" % more)
    wire.peer.send(b"ab")
    expect(wire.read_all(1) == b"a", "readinto: not the next byte")
    expect(wire.read_all(1) == b"b", "readinto: what was not asked for is lost")


def check_writing(wire: "Wire") -> "None":
    """All bytes that are taken arrive, in order: those of the buffer from the offset on."""
    wire.open()
    for data in (b"\x10", EVERY_BYTE, bytes(500), EVERY_BYTE * 20):
        expect(wire.write_all(data) == data, "write: other bytes arrive than were written")
    buf = bytearray(b"....message....")
    for one in (buf, memoryview(buf), bytes(buf), memoryview(bytes(buf))):
        sent = 0
        start = time.ticks_ms()
        while sent < 7:
            taken = wire.write_some(one, 4 + sent, 7 - sent)
            sent += taken or 0
            if not taken:
                expect_soon(start, "write: takes nothing")
                wire.transport.wait(WRITABLE, 10)
        data = wire.receive(7)
        expect(data == b"message", "write(buf, 4, 7) sends %r; buf is %r" % (data, buf))
    expect(buf == b"....message....", "write: changed the buffer")


def check_buffer_is_the_clients(wire: "Wire") -> "None":
    """What was taken is sent as it was, whatever the client does to its buffer then."""
    wire.open()
    buf = bytearray(64)
    out = b""
    for i in range(50):
        buf[:] = bytes([i]) * 64
        offset = 0
        start = time.ticks_ms()
        while offset < 64:
            taken = wire.write_some(buf, offset, 64 - offset)
            if taken:
                buf[offset : offset + taken] = b"\xff" * taken
                offset += taken
            else:
                out += wire.peer.recv(65536)
                expect_soon(start, "write: takes nothing")
                wire.transport.wait(WRITABLE, 10)
    data = wire.receive(50 * 64, out)
    expect(
        data == b"".join([bytes([i]) * 64 for i in range(50)]),
        "write: what it has taken is sent as the buffer is later",
    )


def check_full(wire: "Wire") -> "None":
    """A peer that does not read does not make the client wait, and nothing is lost or sent twice."""
    wire.open()
    block = EVERY_BYTE * 256
    written = 0
    start = time.ticks_ms()
    while written < FULL and time.ticks_diff(time.ticks_ms(), start) < FULL_MS:
        at = written % 256
        taken = wire.write_some(block, at, len(block) - 256)
        if not taken:
            break
        written += taken
    got = 0
    first = True
    start = time.ticks_ms()
    more = written + 1000
    while got < more:
        if written < more:
            at = written % 256
            # After None the same bytes are offered again.
            taken = wire.write_some(block, at, len(block) - 256 if first else min(more - written, 256))
            if taken and first:
                first = False
                more = written + taken + 1000
            written += taken or 0
        data = wire.peer.recv(65536)
        for i in range(0, len(data), 4096):
            part = data[i : i + 4096]
            at = got % 256
            expect(
                part == block[at : at + len(part)],
                "write: bytes are lost or sent twice when the peer is slow",
            )
            got += len(part)
        if data:
            start = time.ticks_ms()
        else:
            expect_soon(start, "write: after the peer was slow, %d of %d bytes arrive" % (got, more))
            wire.transport.wait(WRITABLE if written < more else READABLE, 1)
    expect(got == more, "write: more bytes arrive than were taken")


def check_waiting(wire: "Wire") -> "None":
    """`wait` ends when there is something to do, and in its time."""
    wire.open()
    transport = wire.transport
    for flags in (READABLE, WRITABLE, READABLE | WRITABLE):
        start = time.ticks_ms()
        transport.wait(flags, 0)
        expect_at_once(start, "wait(%d, 0)" % flags)
        transport.wait(flags, 50)
        expect_at_once(start, "wait(%d, 50)" % flags)
    start = time.ticks_ms()
    transport.wait(WRITABLE, LIMIT_MS)
    expect_at_once(start, "wait(4, ...) when there is room")
    wire.peer.send(b"data")
    start = time.ticks_ms()
    data = None
    while data is None:
        transport.wait(READABLE, LIMIT_MS)
        expect_at_once(start, "wait(1, ...) when something has come")
        data = wire.read(4)


def check_end(wire: "Wire") -> "None":
    """That the peer has closed is seen after its last byte; nothing but OSError is raised."""
    wire.open()
    wire.peer.send(b"last words")
    expect(wire.read_all(5) == b"last ", "readinto: other bytes than the peer sent")
    wire.end()
    if not wire.sees_end:
        return
    try:
        expect(wire.read_all(5) == b"words", "readinto: other bytes than the peer sent")
    except OSError as e:
        expect(False, "readinto: %r before the last byte" % e)
    start = time.ticks_ms()
    while True:
        try:
            data = wire.read(10)
        except OSError:
            break
        if data == 0:
            expect(not wire.read(10), "readinto: something after the end")
            break
        expect(data is None, "readinto: %r, which the peer did not send" % data)
        expect_soon(start, "readinto: never says that the peer has closed")
        wire.transport.wait(READABLE, 10)
    wire.transport.wait(READABLE, 10)
    wire.transport.wait(WRITABLE, 10)
    for _ in range(10):
        try:
            wire.write_some(b"x", 0, 1)
        except OSError:
            pass
    wire.transport.wait(WRITABLE, 10)


def check_closing(wire: "Wire") -> "None":
    """`close` may be called at any time, twice; then the transport can be opened again."""
    transport = wire.transport
    transport.close()
    for n in range(3):
        wire.open()
        data = wire.read(1)
        expect(data is None, "open: `readinto` returns %r before the peer has sent anything" % data)
        wire.peer.send(b"%d" % n)
        expect(wire.read_all(1) == b"%d" % n, "open: bytes of an earlier connection")
        transport.close()
        transport.close()


def check_opening(wire: "Wire") -> "None":
    """`opening`, where there is one, does not wait."""
    transport: "Any" = wire.transport
    if not hasattr(transport, "opening"):
        return
    steps = transport.opening(OPEN_MS)
    begin = time.ticks_ms()
    while True:
        start = time.ticks_ms()
        try:
            next(steps)
        except StopIteration:
            break
        expect_at_once(start, "opening")
        expect_soon(begin, "opening: does not end")
        time.sleep_ms(1)
    wire.greet()
    wire.peer.send(b"def")
    expect(wire.read_all(3) == b"def", "opening: the transport does not read then")
    transport.close()
    # One that is left half-way leaves nothing open.
    steps = transport.opening(OPEN_MS)
    try:
        next(steps)
    except StopIteration:
        pass
    steps.close()
    transport.close()
    wire.open()


def check_refused(transport: "Transport") -> "None":
    """A failed open raises OSError, and leaves the transport as it was."""
    for _ in range(2):
        try:
            transport.open(OPEN_MS)
        except OSError:
            transport.close()
        except Exception as e:
            expect(False, "open: raises %r, not OSError" % e)
        else:
            transport.close()
            expect(False, "open: does not raise")


CHECKS = (
    check_quiet,
    check_reading,
    check_writing,
    check_buffer_is_the_clients,
    check_full,
    check_waiting,
    check_end,
    check_closing,
    check_opening,
)
