"""The decoder, beside a second, simple reading of the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

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
    topic: bytes | None = None
    payload: bytes | None = None


def decoded(stream: bytes, limit: int, sizes: bytes) -> Iterator[Packet]:
    """Yield what the decoder makes of `stream`; `sizes` are those of the pieces, over and over."""
    sink = Sink()
    buf = bytearray(SMALL)
    packets = decode(sink, buf, limit)
    next(packets)
    at = piece = 0
    while at < len(stream):
        assert 0 < sink.want <= SMALL
        size = sizes[piece % len(sizes)] if sizes else SMALL
        piece += 1
        data = stream[at : at + max(1, min(size, sink.want))]
        buf[: len(data)] = data
        at += len(data)
        try:
            first = packets.send(len(data))
        except MQTTException as e:
            assert e.args[0] == ERESPONSE and e.args[1]
            yield MALFORMED
            return
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


def read(stream: bytes, limit: int) -> Iterator[Packet]:
    """Yield what is complete in `stream`, as MQTT 3.1.1 has it; MALFORMED ends it."""
    while len(stream) > 1:
        first = stream[0]
        length = 0
        for i in range(1, 5):
            if i == len(stream):
                return
            length += (stream[i] & 127) << (7 * i - 7)
            if stream[i] < 128:
                break
        else:
            yield MALFORMED
            return
        if not header(first, length):
            yield MALFORMED
            return
        body = stream[i + 1 : i + 1 + length]
        stream = stream[i + 1 + length :]
        if len(body) < length:
            return
        packet = message(first, body, limit) if first & 0xF0 == 0x30 else answer(first, body)
        yield packet
        if packet == MALFORMED:
            return


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
