"""From bytes to packets, in whatever pieces the bytes come.

Theory of operation. The decoder is a generator that is given bytes and asks for more:

             2 or 4 bytes          0 to 3 bytes        `length` bytes, up to 128 at a time
    +--------> first, length ---> rest of length ---> body ---+
    |                                                         |
    +-------------------- a packet is complete <--------------+

- All that is known of a packet that is not complete stands in local variables, so it may wait for its next
  byte for as long as it likes, and a new connection gets a new decoder.
- It never asks for bytes beyond the end of a packet: what follows stays in the socket, where `select` sees it. An
  acknowledgement has four bytes, and so many are read at first: one read for each. The answer to a ping has two, so
  two are read while one may come. One that nobody has asked for may have two bytes of the next packet behind it:
  then it is passed over. MQTT 5 and ChunkReceiver, which look at the buffer themselves, have two bytes read.
- A body of up to 128 bytes goes to a buffer that is made once. A longer PUBLISH gets a buffer of its own, of just
  its size. One larger than `max_packet`, or than there is memory for, is read to its end and dropped; of its
  body only the packet identifier is kept, which is needed to acknowledge it.
- What may fail for want of memory comes after the packet identifier is known.
- Bytes that break MQTT raise. What follows them cannot be understood, so the connection must be closed
  [MQTT-4.8.0-1]. Two oddities of real brokers are understood: DUP at QoS 0, and codes of a SUBACK
  that MQTT 3.1.1 does not define, which are refusals.
"""

try:
    from ..cpython.io import BytesIO
except ImportError:
    from io import BytesIO  # type: ignore[assignment]

from ..constants import FIVE, STREAMING
from ..errno import malformed
from .fields import CONNACK, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, UNSUBACK
from .v311 import V311

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generator

    from ..cpython.contracts import Sink

SMALL = 128  # bytes read at a time, and the longest body that needs no buffer of its own
FIXED = bytes((CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP))


def decode(
    sink: "Sink", buf: "bytearray", max_packet: "int", packets: "Any" = V311
) -> "Generator[int, int, None]":
    """Decode what a broker sends, from the beginning of a connection to its end.

    sink        any object; it gets what is decoded as attributes
    buf         SMALL bytes, where the caller puts the bytes that come, always from its start on; the
                caller may not change it while a packet is read
    max_packet  the largest remaining length of a PUBLISH to keep, in bytes; a larger one is read to
                its end and dropped
    packets     the protocol version; with MQTT 5 it takes the packets

    Start it with `next`, then `send` it the number of bytes that were put into `buf`, 1 to `sink.want`.
    It answers with the packet's first byte when that is complete, 0 when more bytes are needed. It raises
    MQTTException(ERESPONSE, text) when the bytes break MQTT 3.1.1.

    want     how many bytes it wants next, at the most

    It looks at `ping_sent`, which is not 0 until the answer to a ping has come, and at `chunks`, where somebody may
    look at the bytes beside it.

    and after each complete packet

    pid      packet identifier; 0 for a packet without one
    topic    topic name of a PUBLISH, bytes; None when there was no memory for it
    payload  payload of a PUBLISH, bytes; None when it was too large to keep. Set both to None when
             done with them, to free the memory
    code     return code of a SUBACK or CONNACK; of a CONNACK plus 256 when a session is present [3.2.2.2]
    """
    small = BytesIO(SMALL)
    first = n = 0
    while True:
        # The fixed header [2.2]. Two bytes come first, for no packet is shorter; `n` more stand in `buf`, from `at` on.
        body: "BytesIO | None" = None  # drop the previous body so that it can be freed
        if not n:
            sink.want = 2 if sink.ping_sent or (FIVE and packets.five) or (STREAMING and sink.chunks) else 4
            n = yield first
        first = buf[0]
        more = buf[1]
        if n < 2:
            sink.want = 1
            yield 0
            more = buf[0]
            n = 2
        n -= 2
        at = 2
        length = more & 127
        shift = 0
        while more > 127:
            shift += 7
            _check_shift(packets, shift)
            if n:
                more = buf[at]
                at += 1
                n -= 1
            else:
                sink.want = 1
                yield 0
                more = buf[0]
            length |= (more & 127) << shift
        is_message = first & 0xF0 == PUBLISH
        _check(packets, first, length, is_message)

        # The body. The number that it begins with, which is the length of the topic name, need not be kept in it. Of
        # one that is not kept, the packet identifier is read, too; up to there its bytes come one by one.
        done = number = pid = 0
        if n:
            if not length:
                buf[0] = buf[at]
                buf[1] = buf[at + 1]
                continue  # an answer to no ping: see above
            done = n
            number = buf[at] << 8 | buf[at + 1] if n > 1 else buf[at]
        if is_message or (FIVE and packets.five):
            body = _body(small, done, is_message, length, max_packet)
        while done < length:
            n = length - done if body or length < 4 or done > number + 3 else 1
            sink.want = n if n < SMALL else SMALL
            n = yield 0
            if body:
                body.write(buf, n)
            elif number + 2 <= done < number + 4:
                pid = pid << 8 | buf[0]
            number = _number(number, buf, n, done)
            done += n
        first = _take(sink, packets, buf, body, first, is_message, length, number, pid, n)
        n = 0


def _number(number: "int", buf: "bytearray", n: "int", done: "int") -> "int":
    # The number that the body begins with, when `n` bytes have come after the first `done` ones, and stand in `buf`.
    if done < 2:
        number = number << 8 | buf[0]
        if n > 1 and not done:
            number = number << 8 | buf[1]
    return number


def _take(
    sink: "Sink",
    packets: "Any",
    buf: "bytearray",
    body: "BytesIO | None",
    first: "int",
    is_message: "bool",
    length: "int",
    number: "int",
    pid: "int",
    n: "int",
) -> "int":
    # Give a packet to the sink, and return its first byte; `n` bytes of it came last.
    if FIVE and packets.five:
        sink.topic = sink.payload = None
        if body and n < length:  # it came in pieces
            body.seek(0)
            body.readinto(buf)
        first = packets.take_packet(buf, body, first, length, pid)
    elif is_message:
        _take_message(sink, buf, body, first & 6, length, number, pid)
    else:
        _take_answer(sink, buf, first, number, n)
    return first


def _take_answer(sink: "Sink", buf: "bytearray", first: "int", number: "int", n: "int") -> "None":
    # Give what is no PUBLISH to the sink; `number` is what its body begins with, and `n` bytes of it came last.
    sink.pid = number
    if not n:  # PINGRESP, the only one without a body
        sink.ping_sent = 0
    elif first == SUBACK:
        sink.code = buf[n - 1]
    elif first == CONNACK:
        sink.code = number
        sink.pid = 0
        if number > 511:
            raise malformed("CONNACK with reserved flags")


def _take_message(
    sink: "Sink", buf: "bytearray", body: "BytesIO | None", qos: "int", length: "int", size: "int", pid: "int"
) -> "None":
    # Give a PUBLISH to the sink; `size` is that of its topic name.
    sink.topic = sink.payload = None
    end = size + (4 if qos else 2)
    if end > length or not size:
        raise malformed("PUBLISH with no topic, or half a topic")
    if body and qos:
        body.seek(size + 2)  # `buf` is free: what is read back stands at its start
        body.readinto(buf)
        pid = buf[0] << 8 | buf[1]
    if not qos:
        pid = 0
    elif not pid:
        raise malformed("PUBLISH without a packet identifier")
    sink.pid = pid
    if body:
        try:
            body.seek(2)
            sink.topic = body.read(size)
            if qos:
                body.seek(end)
            sink.payload = body.read(length - end)
        except MemoryError:
            pass


def _check_shift(packets: "Any", shift: "int") -> "None":
    if shift > 21:
        raise packets.fail() if FIVE and packets.five else malformed("remaining length of more than four bytes")


def _check(packets: "Any", first: "int", length: "int", is_message: "bool") -> "None":
    # Raise for what no broker may send in this version.
    if FIVE and packets.five:
        packets.check_header(first, length)
    else:
        _check_header(first, length, is_message)


def _check_header(first: "int", length: "int", is_message: "bool") -> "None":
    # Raise for what no broker may send.
    if is_message:
        if first & 6 == 6 or length < 3:
            raise malformed("PUBLISH with QoS 3, or too short")
    elif first not in FIXED or length != (0 if first == PINGRESP else 3 if first == SUBACK else 2):
        raise malformed("a packet that no broker sends: 0x%02x with a remaining length of %d" % (first, length))


def _body(small: "BytesIO", done: "int", is_message: "bool", length: "int", max_packet: "int") -> "BytesIO | None":
    # Where to put the body from its byte `done` on: a buffer of its own for a long one, None when it is not kept.
    body: "BytesIO | None" = small
    if length > SMALL or (length > max_packet and is_message):
        body = None
        if length <= max_packet:
            try:
                body = BytesIO(length)
            except MemoryError:
                pass
    if body:
        body.seek(done)
    return body
