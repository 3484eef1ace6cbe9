"""MQTT over a stream object: a UART, a modem, a pty."""

try:
    from ..cpython import clock as time
    from ..cpython import select
except ImportError:
    import select  # type: ignore[no-redef]
    import time  # type: ignore[no-redef]

from ..constants import ONE_WRITE, POLL_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generator


class StreamTransport:
    """A connection that is there already, at the far end of a stream of MicroPython's kind.

    The stream stays open when the client closes: it is the program's, and the client can connect again
    over it. What is at the far end sees no more of that than MQTT's DISCONNECT. A class of the program's
    own can do more in `opening` and `close`: have a modem dial and hang up.

    pollable  what an event loop can watch in its place: the stream, or None where it cannot
    """

    _poll: "Any" = None

    def __init__(self, stream: "Any", quiet_ms: "int" = 100) -> "None":
        """
        stream    has `readinto` and `write`, which return None when there is nothing to read, and no room.
                  It may also be one that waits, if it has `any`, as a UART has, or `select.poll` can
                  watch it, as it can a pty and `sys.stdin.buffer`; these are read byte by byte
        quiet_ms  `open` throws away what comes until nothing has come for so long: it is left from
                  another connection. 0 takes all that comes
        """
        self.stream = stream
        self._quiet = quiet_ms
        self._byte = bytearray(1)

    def open(self, timeout_ms: "int") -> "None":
        """Wait until the line is quiet, for `timeout_ms` at the most."""
        for _ in self.opening(timeout_ms):
            time.sleep_ms(POLL_MS)

    def opening(self, timeout_ms: "int") -> "Generator[None, None, None]":
        """`open` in steps, none of which waits."""
        try:
            self._poll = select.poll()
            self._poll.register(self.stream)
            self._is_ready(select.POLLIN)
        except (OSError, AttributeError):
            self._poll = None  # nothing that can be watched
        self.pollable = self._poll and self.stream
        buf = bytearray(32)
        last = start = time.ticks_ms()
        while time.ticks_diff(time.ticks_ms(), last) < self._quiet:
            if 0 <= timeout_ms <= time.ticks_diff(time.ticks_ms(), start):
                break
            if self.readinto(buf, len(buf)):
                last = time.ticks_ms()
            else:
                yield

    def readinto(self, buf: "bytearray | memoryview", n: "int") -> "int | None":
        """See the contract in `umqtt2.transport`."""
        # A stream that waits does so until it has all `n` bytes: it is asked for what is there.
        stream = self.stream
        if hasattr(stream, "any"):
            n = min(n, stream.any())
        elif self._poll:
            at = 0
            while at < n and self._is_ready(select.POLLIN):
                got: "int | None" = stream.readinto(self._byte)
                if not got:
                    return at or got
                buf[at] = self._byte[0]
                at += 1
            return at or None
        return stream.readinto(memoryview(buf)[:n]) if n else None

    def write(self, buf: "bytes | bytearray | memoryview", offset: "int", n: "int") -> "int | None":
        """See the contract in `umqtt2.transport`. At most 128 bytes are taken at a time."""
        if self._is_ready(select.POLLOUT):
            n = min(n, ONE_WRITE)
            return self.stream.write(memoryview(buf)[offset : offset + n])  # type: ignore[no-any-return]
        return None

    def _is_ready(self, flags: "int") -> "bool":
        # Whether the stream is readable or writable, as far as can be known.
        if not self._poll:
            return True
        self._poll.modify(self.stream, flags)
        for _ in self._poll.ipoll(0):
            return True
        return False

    def wait(self, flags: "int", timeout_ms: "int") -> "None":
        """See the contract in `umqtt2.transport`."""
        if self._poll:
            self._poll.modify(self.stream, flags)
            self._poll.ipoll(timeout_ms)
        elif timeout_ms:
            time.sleep_ms(POLL_MS)

    def close(self) -> "None":
        """Leave the stream alone; it is the program's."""
