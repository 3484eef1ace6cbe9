"""A transport without a network: a test writes what comes in and reads what went out."""

from .clock import FakeClock


class FakeTransport:
    """See the contract in `umqtt2.transport`. All that a test may look at or set:

    clock        the FakeClock that `wait` moves; give it to the client too
    incoming     bytes that the client has yet to read; add some with `feed`
    sent         all bytes that the client wrote
    writes       the same, as a list with the bytes of each write
    read_sizes   most bytes that one read returns: an int, or an iterator with one for each read;
                 0 is a read that finds nothing, None is no limit
    write_sizes  likewise for writes; 0 is a write that is refused
    ended        True: after `incoming` the peer has closed
    fail_open, fail_read, fail_write
                 an OSError that the next such call raises, once
    is_open      True between open and close
    opens        how often it was opened
    """

    def __init__(self, incoming: "bytes" = b"", clock: "FakeClock | None" = None) -> "None":
        self.clock = clock or FakeClock()
        self.incoming = bytearray(incoming)
        self.sent = bytearray()
        self.writes: "list[bytes]" = []
        self.read_sizes: "object" = None
        self.write_sizes: "object" = None
        self.ended = False
        self.fail_open: "OSError | None" = None
        self.fail_read: "OSError | None" = None
        self.fail_write: "OSError | None" = None
        self.is_open = False
        self.opens = 0

    def feed(self, data: "bytes") -> "None":
        """Let `data` come in."""
        self.incoming.extend(data)

    def open(self, timeout_ms: "int") -> "None":
        """Connect; raises `fail_open`."""
        self._raise("fail_open")
        self.is_open = True
        self.opens += 1

    def readinto(self, buf: "bytearray | memoryview", n: "int") -> "int | None":
        """Give some of `incoming`."""
        self._raise("fail_read")
        n = min(n, len(self.incoming), _allowed(self.read_sizes, n))
        if not n:
            return 0 if self.ended and not self.incoming else None
        buf[:n] = self.incoming[:n]
        self.incoming = self.incoming[n:]
        return n

    def write(self, buf: "bytes | bytearray | memoryview", offset: "int", n: "int") -> "int | None":
        """Take some, and keep it in `sent` and `writes`."""
        self._raise("fail_write")
        n = min(n, _allowed(self.write_sizes, n))
        if not n:
            return None
        data = bytes(memoryview(buf)[offset : offset + n])
        self.sent.extend(data)
        self.writes.append(data)
        return n

    def wait(self, flags: "int", timeout_ms: "int") -> "None":
        """Let time pass until there is something to read; raise RuntimeError, for the test to fail,
        where a real transport would wait for ever."""
        if (flags & 1 and (self.incoming or self.ended)) or flags & 4:
            timeout_ms = min(1, timeout_ms) if timeout_ms >= 0 else 1
        if timeout_ms < 0:
            raise RuntimeError("nothing will ever come: the client would wait for ever")
        self.clock.advance(timeout_ms)

    def close(self) -> "None":
        """Close; what has come in stays."""
        self.is_open = False

    def _raise(self, name: "str") -> "None":
        error = getattr(self, name)
        setattr(self, name, None)
        if error:
            raise error
        if not self.is_open and name != "fail_open":
            raise OSError(9)  # EBADF


def _allowed(sizes: "object", n: "int") -> "int":
    if sizes is None:
        return n
    if isinstance(sizes, int):
        return sizes
    size = next(sizes, None)  # type: ignore[call-overload]
    return n if size is None else size
