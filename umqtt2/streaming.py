"""Payloads that are larger than the memory: sent from a stream, received in chunks.

The client loads this when it is asked for it: `publish(..., length=...)`, `set_callback_chunks(...)`.
"""

from .constants import FIVE
from .packets.fields import LONGEST, PUBLISH
from .packets.filter import matches
from .session.received_ids import HEAD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generator

    from .connection import Connection

EIO = 5
SIZE = 512  # bytes that are read from a stream at a time
CHUNK = 128  # bytes that are given to a callback at the most


class StreamPayload:
    """A payload that is read from a stream when it is sent.

    buffer  where `read` puts a piece of it, b"" in between
    left    bytes that `read` has yet to read
    """

    def __init__(self, stream: "Any", length: "int") -> "None":
        """
        stream  has `readinto`; it is read from where it stands. With `tell` and `seek` that work it can be
                sent again after a reconnect
        length  bytes to send

        Raises ValueError when MQTT cannot send as much, TypeError when nothing can be read.
        """
        if not isinstance(length, int) or not 0 <= length <= LONGEST:
            raise ValueError("length: not 0 to 268,369,916")
        if not hasattr(stream, "readinto"):
            raise TypeError("msg: has no readinto")
        self._stream = stream
        self._length = self.left = length
        self._start: "int | None" = None
        self._sent = self._failed = False
        self._own = 1
        self.buffer: "Any" = b""
        try:
            if hasattr(stream, "seek"):
                self._start = stream.tell()
        except (OSError, AttributeError):
            pass  # a pipe

    def __len__(self) -> "int":
        return self._length

    def rewind(self, own: "int") -> "bool":
        """Get ready to be sent. Returns False when that cannot be: the stream has failed before, or cannot be
        read a second time.

        own  not 0 when it is sent by the `publish` that it was given to
        """
        again = self._sent
        self._sent = True
        self._own = own
        self.left = self._length
        if again and not self._failed:
            self._failed = True
            if self._start is not None:
                try:
                    self._stream.seek(self._start)
                    self._failed = False
                except (OSError, ValueError):
                    pass
        return not self._failed

    def read(self) -> "int":
        """Read a piece into `buffer`, and return its length.

        Raises ValueError when the stream fails or ends too early, to the `publish` that it was given to. Later an
        OSError: it is a fault of the network for whoever meets it, and the message gets a status. Raises
        whatever else the stream does.
        """
        if not self.buffer:
            self.buffer = bytearray(min(SIZE, self.left))
        buf: "Any" = self.buffer
        if self.left < len(buf):
            buf = memoryview(buf)[: self.left]
        self._failed = True
        n: "int"
        try:
            n = self._stream.readinto(buf)
            why = "msg: shorter than its length"
        except OSError as e:
            n = 0
            why = "msg: %s" % e
        if not n:
            raise ValueError(why) if self._own else OSError(EIO, why)
        self._failed = False
        self.left -= n
        return n


class ChunkReceiver:
    """Gives payloads to a callback in chunks."""

    def __init__(self, f: "Callable[[bytes, Any, int, int], object]", filters: "tuple[bytes, ...]") -> "None":
        """f: see `MQTTClient.set_callback_chunks`; filters: of the topics that it is for."""
        self._f = f
        self._filters = filters
        # A copy of what came: the callback may do what reads into the connection's own buffer.
        self._chunk = bytearray(CHUNK)
        self._taken = False  # the message that is complete was given to `f`, or is a repetition

    def tap(
        self, connection: "Connection", buf: "bytearray", feed: "Callable[[int], int]"
    ) -> "Callable[[int], int]":
        """Look at what a connection gives to its decoder, in `buf`, from its beginning on; returns what stands in
        the place of `feed`."""
        self._taken = False
        watch = self._watch(connection, buf, feed)
        next(watch)
        return watch.send

    def finish(
        self, connection: "Connection", first: "int", topic: "bytes | None", payload: "Any"
    ) -> "bool":
        """A message is complete: return whether it is one for here, and was given to the callback or need
        not be. The arguments are the decoder's."""
        taken = self._taken
        self._taken = False
        if not taken and topic is not None and payload is not None and self.wants(connection, topic):
            taken = True
            if not first & 4 or connection.session.is_new(connection.pid, topic, payload):
                connection.call(self._f, topic, memoryview(payload), 0, len(payload))
        return taken

    def give(
        self, connection: "Connection", topic: "bytes", data: "bytearray", n: "int", offset: "int", total: "int"
    ) -> "bool":
        """Call the callback with the first `n` bytes of `data`, at most CHUNK; return whether it
        has raised, or ended the connection."""
        chunk = self._chunk
        chunk[:n] = data[:n]
        own = connection.feed
        connection.call(self._f, topic, memoryview(chunk)[:n], offset, total)
        return connection.raised is not None or connection.feed is not own

    def wants(self, connection: "Connection", topic: "bytes") -> "bool":
        """Return whether a topic is one for the callback."""
        for one in self._filters:
            if matches(one, topic):
                return connection.is_name(topic)
        return False

    def _watch(
        self, connection: "Connection", buf: "bytearray", feed: "Callable[[int], int]"
    ) -> "Generator[int, int, None]":
        # Beside the decoder, which reads a message of more than max_packet to its end and drops it.
        result = 0
        while True:
            n = yield result
            first = buf[0]
            more = buf[1]
            result = feed(n)
            if n < 2:
                n = yield result
                more = buf[0]
                result = feed(n)
            length = more & 127
            shift = 0
            while more > 127:
                n = yield result
                more = buf[0]
                result = feed(n)
                shift += 7
                length |= (more & 127) << shift
            large = None
            if first & 0xF0 == PUBLISH and length > connection.max_packet:
                large = _LargeMessage(self, connection, first, length)
            while not result:
                n = yield 0
                if large:
                    own = connection.feed
                    if not large.take(buf, n):
                        large = None
                    if connection.feed is not own:
                        yield 0  # the callback has left: nothing follows, and `buf` is used by others
                result = feed(n)
            if large:
                self._taken = True


class _LargeMessage:
    """A message that comes in chunks: first its topic, identifier, and as much of the payload as it takes to tell
    a repetition; then the rest."""

    def __init__(
        self, receiver: "ChunkReceiver", connection: "Connection", first: "int", length: "int"
    ) -> "None":
        self._receiver: "ChunkReceiver | None" = receiver  # None when the rest is not given to the callback
        self._connection = connection
        self._qos = first & 6
        self._left = length  # of which the program has not seen anything
        self._head: "Any" = bytearray()  # None when the payload has begun
        self._topic = b""
        self._pid = 0  # at QoS 2
        self._size = 0  # of the payload

    def take(self, buf: "bytearray", n: "int") -> "bool":
        """Take what has come; return whether the message is one for the callback."""
        if self._head is None:
            self._give(buf, n)
            return True
        head = self._head
        head += buf[:n]
        if len(head) < 2:
            return True
        start = 2 + (head[0] << 8 | head[1])
        if start > self._connection.max_packet:
            return False  # a topic of that length is not kept in memory
        if len(head) < start:
            return True
        if not self._topic:
            self._topic = bytes(head[2:start])
            if not self._receiver or not self._receiver.wants(self._connection, self._topic):
                return False
        if self._qos:
            start += 2
        at = start  # of what follows the packet identifier
        if FIVE and self._connection.packets.five:
            start = self._connection.packets.payload_at(head, start)
            if start <= 0:
                return not start
        if len(head) >= min(self._left, start + HEAD):
            self._begin(head, at, start)
        return True

    def _begin(self, head: "Any", at: "int", start: "int") -> "None":
        # Enough has come to tell whether it is a repetition.
        self._head = None
        self._left -= start
        self._size = self._left
        if self._qos & 4:
            self._pid = pid = head[at - 2] << 8 | head[at - 1]
            if not self._connection.session.is_new(pid, self._topic, head[start : start + HEAD], self._size):
                self._receiver = None
        while True:  # once for an empty payload, too
            self._give(head[start : start + CHUNK], min(CHUNK, len(head) - start))
            start += CHUNK
            if start >= len(head):
                break

    def _give(self, data: "bytearray", n: "int") -> "None":
        receiver = self._receiver
        offset = self._size - self._left
        self._left -= n
        if receiver and receiver.give(self._connection, self._topic, data, n, offset, self._size):
            self._receiver = None
            if self._pid and not self._left:
                self._connection.session.mark_received(self._pid)  # the callback has all of it, and has left
