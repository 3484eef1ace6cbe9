"""The decoder, beside a second, simple reading of the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Union

from tests.fuzz.choices import Choices
from umqtt2 import MQTTException
from umqtt2.errno import ERESPONSE
from umqtt2.packets.decoder import SMALL, decode

LIMITS = (8192, 0, 3, 20, 127, 128, 129, 300)

Packet = Union[tuple, str]
MALFORMED = "malformed"


def run(data: bytes) -> None:
    """Decode what a fuzzer sends, in pieces of the fuzzer's choice."""
    choices = Choices(data)
    limit = choices.one(LIMITS)
    sizes = choices.take(choices.number(16))
    stream = choices.rest()
    assert list(decoded(stream, limit, sizes)) == list(read(stream, limit))


class Sink:
    want = pid = code = 0
    chunks = None
    # The answer to a ping may always come: each one is told, whatever follows it.
    ping_sent = property(lambda self: 1, lambda self, value: None)
    topic: bytes | None = None
    payload: bytes | None = None


def decoded(stream: bytes, limit: int, sizes: bytes) -> Iterator[Packet]:
    """Yield what the decoder makes of `stream`; `sizes` are those of the pieces, over and over."""
    sink = Sink()
    buf = bytearray(SMALL)
    try:
        for first in fed(decode(sink, buf, limit), sink, buf, stream, sizes):
            if not first:
                continue
            if first & 0xF0 == 0x30:
                yield first, sink.pid, sink.topic, sink.payload
            elif first == 0xD0:
                yield (first,)
            elif first == 0x90:
                yield first, sink.pid, sink.code
            elif first == 0x20:
                yield first, sink.code
            else:
                yield first, sink.pid
    except MQTTException as e:
        assert e.args[0] == ERESPONSE and e.args[1]
        yield MALFORMED


def fed(packets: Any, sink: Any, buf: bytearray, stream: bytes, sizes: bytes) -> Iterator[int]:
    """Give a decoder a stream in pieces, and yield what it says to each: the first byte of a packet, or 0."""
    next(packets)
    at = piece = 0
    while at < len(stream):
        assert 0 < sink.want <= SMALL
        size = sizes[piece % len(sizes)] if sizes else SMALL
        piece += 1
        data = stream[at : at + max(1, min(size, sink.want))]
        buf[: len(data)] = data
        at += len(data)
        yield packets.send(len(data))


def read(stream: bytes, limit: int) -> Iterator[Packet]:
    """Yield what is complete in `stream`, as MQTT 3.1.1 has it; MALFORMED ends it."""
    while len(stream) > 1:
        first = stream[0]
        length, size = remaining_length(stream[1:5])
        if not size:
            return
        if size > 4 or not header(first, length):
            yield MALFORMED
            return
        body = stream[1 + size : 1 + size + length]
        stream = stream[1 + size + length :]
        if len(body) < length:
            return
        packet = message(first, body, limit) if first & 0xF0 == 0x30 else answer(first, body)
        yield packet
        if packet == MALFORMED:
            return


def remaining_length(data: bytes) -> tuple[int, int]:
    """The value and the size of a packet's second field; the size is 0 if a part is missing, 5 if it is too long."""
    length = 0
    for i, byte in enumerate(data):
        length += (byte & 127) << (7 * i)
        if byte < 128:
            return length, i + 1
    return length, 5 if len(data) == 4 else 0


def header(first: int, length: int) -> bool:
    """Return whether a broker may send a fixed header."""
    if first & 0xF0 == 0x30:
        return first & 6 != 6 and length > 2
    return {0x20: 2, 0x40: 2, 0x50: 2, 0x62: 2, 0x70: 2, 0x90: 3, 0xB0: 2, 0xD0: 0}.get(first) == length


def answer(first: int, body: bytes) -> Packet:
    """Return what is in the body of anything but a PUBLISH."""
    if first == 0xD0:
        return (first,)
    if first == 0x20 and body[0] > 1:
        return MALFORMED
    number = int.from_bytes(body[:2], "big")
    return (first, number, body[2]) if first == 0x90 else (first, number)


def message(first: int, body: bytes, limit: int) -> Packet:
    """Return what is in the body of a PUBLISH."""
    end = 2 + int.from_bytes(body[:2], "big")
    start = end + (2 if first & 6 else 0)
    pid = int.from_bytes(body[end:start], "big")
    if start > len(body) or end == 2 or (first & 6 and not pid):
        return MALFORMED
    if len(body) > limit:
        return first, pid, None, None
    return first, pid, body[2:end], body[start:]
