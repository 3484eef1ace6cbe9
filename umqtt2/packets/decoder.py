"""From bytes to packets, in whatever pieces the bytes come.

The decoder owns the memory that it is fed through: it says where the next bytes belong (`buf`) and
how many of them it wants (`want`); the caller puts up to that many there and says how many (`feed`).
"""

from ..errno import malformed
from .types import CONNACK, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, UNSUBACK

SMALL = 128  # bytes kept for the fixed header and for bodies; only a longer PUBLISH takes more

# What the decoder is reading.
HEADER = 0  # the first byte and the first byte of the remaining length
LENGTH = 1  # one more byte of the remaining length
BODY = 2  # all that follows
DRAIN = 3  # the next piece of a PUBLISH that is too large to keep


class Decoder:
    """Decodes what a broker sends.

    After `feed` has returned a packet's first byte, and until it is called again:

    pid      packet identifier; 0 for a PUBLISH at QoS 0
    code     return code of a CONNACK or SUBACK
    present  session present, of a CONNACK: 0 or 1
    topic    topic name of a PUBLISH, bytes; None when the message was too large to keep
    payload  payload of a PUBLISH, bytes; likewise. Set both to None when done, to free the memory
    """

    def __init__(self, max_packet: "int") -> "None":
        """max_packet: the largest remaining length of a PUBLISH to keep, in bytes; a larger one is
        read to its end and dropped, and its `payload` is None."""
        self.max_packet = max_packet
        self._small = bytearray(SMALL)
        self.pid = self.code = self.present = 0
        self.topic: "bytes | None" = None
        self.payload: "bytes | None" = None
        self.reset()

    def reset(self) -> "None":
        """Begin with a new stream: what has come of an unfinished packet is forgotten."""
        self._expect(HEADER, 2, self._small)

    def _expect(self, step: "int", want: "int", buf: "bytearray") -> "None":
        self._step = step
        self.want = want
        self.buf: "bytearray | memoryview" = buf
        self._body = buf

    def feed(self, n: "int") -> "int":
        """Take note of `n` new bytes in `buf`, 1 to `want`.

        Returns the packet's first byte when it is complete, 0 when more bytes are needed. Raises
        MQTTException(ERESPONSE, text) when the bytes break MQTT 3.1.1: nothing that follows can then
        be understood, and the connection must be closed [MQTT-4.8.0-1].
        """
        if n < self.want:
            self.want -= n
            self.buf = memoryview(self.buf)[n:]
            return 0
        step = self._step
        if step == BODY:
            return self._finish()
        if step == DRAIN:
            return self._drain()
        small = self._small
        more = small[0]
        if step == HEADER:
            self._first = more
            self._length = self._shift = 0
            if more & 0xF0 == PUBLISH:
                if more & 6 == 6:
                    raise malformed("PUBLISH with QoS 3")
            elif more not in (CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP):
                raise malformed("no packet of a broker begins with 0x%02x" % more)
            more = small[1]
        self._length |= (more & 127) << self._shift
        if more < 128:
            return self._begin()
        self._shift += 7
        if self._shift > 21:
            raise malformed("remaining length of more than four bytes")
        self._expect(LENGTH, 1, small)
        return 0

    def _begin(self) -> "int":
        # The fixed header is complete: choose where the rest goes.
        first = self._first
        length = self._length
        body = self._small
        if first & 0xF0 == PUBLISH:
            if length < (5 if first & 6 else 3):
                raise malformed("PUBLISH too short")
            try:
                if SMALL < length <= self.max_packet:
                    body = bytearray(length)
            except MemoryError:
                pass
            if length > len(body) or length > self.max_packet:
                self._left = length
                self._expect(DRAIN, min(length, SMALL), body)
                return 0
        elif length != (0 if first == PINGRESP else 3 if first == SUBACK else 2):
            raise malformed("0x%02x with a remaining length of %d" % (first, length))
        self._expect(BODY, length, body)
        return 0 if length else self._finish()

    def _finish(self) -> "int":
        body = self._body
        self.reset()
        first = self._first
        if first & 0xF0 == PUBLISH:
            i = self._topic_end(body)
            view = memoryview(body)
            self.topic = bytes(view[2:i])
            if first & 6:
                self.pid = body[i] << 8 | body[i + 1]
                i += 2
            self.payload = bytes(view[i : self._length])
            return self._checked()
        self.code = body[1]
        if first == CONNACK:
            self.present = body[0]
            if self.present > 1:
                raise malformed("CONNACK with reserved flags")
        else:
            self.pid = body[0] << 8 | body[1]
            if first == SUBACK:
                self.code = body[2]
                if self.code not in (0, 1, 2, 128):
                    raise malformed("SUBACK with return code %d" % self.code)
        return first

    def _topic_end(self, body: "bytearray") -> "int":
        # Where the topic name of a PUBLISH ends, once its first two bytes are in `body`.
        self.pid = 0
        i = (body[0] << 8 | body[1]) + 2
        if i == 2:
            raise malformed("PUBLISH without a topic")
        if i + (2 if self._first & 6 else 0) > self._length:
            raise malformed("the topic runs past its PUBLISH")
        return i

    def _checked(self) -> "int":
        if self._first & 6 and not self.pid:
            raise malformed("PUBLISH with packet identifier 0")
        return self._first

    def _drain(self) -> "int":
        # `size` more bytes of the PUBLISH have passed through `small`; the packet identifier may be
        # among them, or half of it.
        small = self._small
        size = min(self._left, SMALL)
        start = self._length - self._left
        if not start:
            self.topic = self.payload = None
            self._pid_at = self._topic_end(small)
        if self._first & 6:
            for i in (self._pid_at - start, self._pid_at - start + 1):
                if 0 <= i < size:
                    self.pid = self.pid << 8 | small[i]
        self._left -= size
        if self._left:
            self._expect(DRAIN, min(self._left, SMALL), small)
            return 0
        self.reset()
        return self._checked()
