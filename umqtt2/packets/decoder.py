"""From bytes to packets, in whatever pieces the bytes come."""

try:
    from ..hosted.io import BytesIO
except ImportError:
    from io import BytesIO  # type: ignore[assignment]

from ..errno import malformed
from .types import CONNACK, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, UNSUBACK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generator

    from ..hosted.contracts import Sink

SMALL = 128  # bytes read at a time, and the longest body that needs no memory of its own
FIXED = bytes((CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP))
RETURNED = bytes((0, 1, 2, 128))  # codes of a SUBACK


def decode(sink: "Sink", buf: "bytearray", max_packet: "int") -> "Generator[int, int, None]":
    """Decode what a broker sends, from the beginning of a connection to its end.

    sink        any object; it gets what is decoded as attributes
    buf         SMALL bytes, where the caller puts the bytes that come, always from its start on; what is
                in it afterwards is of no use to anybody
    max_packet  the largest remaining length of a PUBLISH to keep, in bytes; a larger one is read to
                its end and dropped

    A generator: start it with `next`, then `send` it the number of bytes that were put into `buf`, 1 to
    `sink._want`. It answers with the packet's first byte when that is complete, 0 when more bytes are
    needed. What has come of a packet is kept in its local variables. It raises MQTTException(ERESPONSE,
    text) when the bytes break MQTT 3.1.1: nothing that follows can then be understood, and the
    connection must be closed [MQTT-4.8.0-1].

    _want     how many bytes it wants next, at the most

    and after each complete packet

    _pid      packet identifier; 0 for a PUBLISH at QoS 0. Of a CONNACK its two bytes: 256 means
              session present, the lower byte is the return code
    _topic    topic name of a PUBLISH, bytes; None when there was no memory for it
    _payload  payload of a PUBLISH, bytes; None when it was too large to keep. Set both to None when
              done with them, to free the memory. Of a SUBACK its return code

    The names begin with _ because the sink is the client, and a program may have a subclass of that
    with names of its own.
    """
    small = BytesIO(SMALL)
    first = 0
    while True:
        # The fixed header [2.2]. Two bytes come first, for no packet is shorter.
        sink._want = 2
        body: "BytesIO | None" = small  # and lets go of the last one
        small.seek(0)
        n = yield first
        first = buf[0]
        more = buf[1]
        sink._want = 1
        if n < 2:
            yield 0
            more = buf[0]
        length = more & 127
        shift = 0
        while more > 127:
            shift += 7
            if shift > 21:
                raise malformed("remaining length of more than four bytes")
            yield 0
            more = buf[0]
            length |= (more & 127) << shift

        message = first & 0xF0 == PUBLISH
        qos = first & 6
        if message:
            if qos == 6 or first & 14 == 8 or length < 3:
                raise malformed("PUBLISH with QoS 3, with DUP at QoS 0, or too short")
            try:
                if length > max_packet:
                    body = None
                elif length > SMALL:
                    body = BytesIO(length)
            except MemoryError:
                body = None
        elif first not in FIXED or length != (0 if first == PINGRESP else 3 if first == SUBACK else 2):
            raise malformed("no broker sends 0x%02x with a remaining length of %d" % (first, length))

        # The body. Of one that is not kept, only the two numbers that are needed to acknowledge
        # it are read: the length of the topic name, and the packet identifier behind it.
        head = 4 if qos else 2
        end = number = 0
        until = 2  # bytes to the end of the next number
        left = length
        while left:
            sink._want = left if left < SMALL else SMALL
            n = yield 0
            left -= n
            if body:
                body.write(buf, n)
            else:
                i = 0
                while until and i < n:
                    number = (number << 8 | buf[i]) & 65535
                    i += 1
                    until -= 1
                    if not (until or end):
                        end = number + head
                        until = qos and number + 2

        # From here on `buf` is free; what is read back stands at its start.
        sink._topic = sink._payload = None
        if body and length:
            if n < length:  # it came in pieces
                body.seek(0)
                body.readinto(buf)
            number = buf[0] << 8 | buf[1]
            end = number + head
        if message:
            if body and end <= length:
                if qos:
                    # Before what may fail for want of memory: it must be known to acknowledge.
                    body.seek(end - 2)
                    body.readinto(buf)
                    number = buf[0] << 8 | buf[1]
                body.seek(2)
                try:
                    sink._topic = body.read(end - head)
                    if qos:
                        body.seek(end)
                    sink._payload = body.read(length - end)
                except MemoryError:
                    pass
            if end > length or end == head or (qos and not number):
                raise malformed("PUBLISH with no topic, half a topic, or no packet identifier")
            if not qos:
                number = 0
        elif first == SUBACK:
            sink._payload = buf[2]
            if sink._payload not in RETURNED:
                raise malformed("SUBACK with return code %d" % sink._payload)
        elif first == CONNACK and number > 511:
            raise malformed("CONNACK with reserved flags")
        sink._pid = number
