"""Payloads that are larger than the memory: sent from a stream, received in pieces.

The client loads this when it is asked for it: `publish(..., length=...)`, `set_callback_pieces(...)`.
"""

from .errno import ECONCLOSE, STIMEOUT, MQTTException
from .packets.filter import matches
from .packets.publish import HEAD, LONGEST, publish
from .packets.types import PUBLISH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generator

    from .delivery import MQTTClient

SIZE = 512  # bytes that are read from a stream at a time


class Source:
    """A payload that is read from a stream when it is sent."""

    taken = False  # publish() has returned: when the stream fails from then on, there is a status

    def __init__(self, stream: "Any", length: "int") -> "None":
        """
        stream  has `readinto`; it is read from where it stands. With `tell` and `seek` too it can be
                sent again after a reconnect
        length  bytes to send

        Raises ValueError when MQTT cannot send as much, TypeError when nothing can be read.
        """
        if not 0 <= length <= LONGEST:
            raise ValueError("length: not 0 to 268,369,916")
        if not hasattr(stream, "readinto"):
            raise TypeError("msg: has no readinto")
        self._stream = stream
        self._length = length
        self._sent = False
        self._start = stream.tell() if hasattr(stream, "tell") and hasattr(stream, "seek") else None

    def __len__(self) -> "int":
        return self._length

    def send(self, client: "MQTTClient", first: "int", name: "bytes", pid: "int", forget: "int") -> "None":
        """Write a PUBLISH with this payload; as the client's `_send_message`.

        Raises what `_send` raises, and ValueError when the stream fails or ends too early. Half a
        packet cannot be taken back: the connection is closed then.
        """
        buf = bytearray(len(name) + HEAD)
        left = self._length
        again = self._sent
        try:
            if again:
                self._rewind()
            self._sent = True
            client._send(buf, publish(buf, name, left, first, pid), b"", forget)
            buf = bytearray(min(SIZE, left))
            while left:
                n = self._read(buf, left)
                client._send(buf, n, b"", forget)
                left -= n
        except (ValueError, TypeError) as e:
            client._close()
            client._forget(pid)
            if not (again or self.taken):
                raise
            client._status(pid, STIMEOUT)
            raise MQTTException(ECONCLOSE, str(e))

    def _rewind(self) -> "None":
        if self._start is None:
            raise ValueError("msg: cannot be read again")
        try:
            self._stream.seek(self._start)
        except OSError as e:
            raise ValueError("msg: %s" % e)

    def _read(self, buf: "bytearray", left: "int") -> "int":
        try:
            n: "int" = self._stream.readinto(buf if left >= len(buf) else memoryview(buf)[:left])
        except OSError as e:
            raise ValueError("msg: %s" % e)
        if not n:
            raise ValueError("msg: shorter than its length")
        return n


class Receiver:
    """Hands over payloads in pieces."""

    def __init__(self, f: "Callable[[bytes, Any, int, int], object]", filters: "tuple[bytes, ...]") -> "None":
        self._f = f
        self._filters = filters
        self._taken = False  # the message that has just come was handed over, or would have been
        self._error: "BaseException | None" = None

    def tap(self, client: "MQTTClient") -> "None":
        """Look at what a client gives to its decoder, from the beginning of a connection on."""
        self._taken = False  # what the last connection left in the middle comes again
        self._error = None
        packets = self._look(client, client._feed)
        next(packets)
        client._feed = packets.send

    def deliver(self, client: "MQTTClient") -> "bool":
        """A message is complete: return whether it is one for here, and leave its identifier in
        `_unacked`. Raises what the callback has raised."""
        taken = self._taken
        topic = client._topic
        payload = client._payload
        error = self._error
        self._taken = False
        self._error = None
        client._unacked = 0
        if topic is not None and payload is not None and self._wants(topic):
            client._topic = client._payload = None
            taken = True
            self._f(topic, payload, 0, len(payload))
        if error:
            raise error
        if taken:
            client._unacked = client._pid
        return taken

    def _wants(self, topic: "bytes") -> "bool":
        for one in self._filters:
            if matches(one, topic):
                return True
        return False

    def _look(self, client: "MQTTClient", feed: "Callable[[int], int]") -> "Generator[int, int, None]":
        # Beside the decoder, which reads a message of more than max_packet to its end and drops it.
        buf = memoryview(client._buf)
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
            if first & 0xF0 == PUBLISH and length > client._max_packet:
                # The topic and the identifier, as they come; then the payload.
                head = b""
                start = 2
                read = total = 0
                wanted = False
                while not result:
                    n = yield 0
                    i = 0
                    while i < n and len(head) < start:
                        more = min(start - len(head), n - i)
                        head += buf[i : i + more]
                        i += more
                        if len(head) == 2:
                            start = 2 + (head[0] << 8 | head[1]) + (2 if first & 6 else 0)
                            if start > client._max_packet:
                                start = 0  # nobody wants a topic of that length
                        if len(head) == start:
                            total = length - start
                            end = start - 2 if first & 6 else start
                            topic = head[2:end]
                            wanted = self._wants(topic)
                            if wanted and first & 4:
                                wanted = not client.session.duplicate(head[end] << 8 | head[end + 1])  # type: ignore[attr-defined]
                    if wanted and i < n:
                        self._taken = True
                        if not self._error:
                            try:
                                self._f(topic, buf[i:n], read, total)
                            except BaseException as e:
                                self._error = e
                        read += n - i
                    result = feed(n)
            while not result:
                n = yield 0
                result = feed(n)
