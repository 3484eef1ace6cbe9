"""The decoder of MQTT 5, beside a second, simple reading of the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Union

from tests.fuzz.choices import Choices
from tests.fuzz.decoder import fed, remaining_length
from umqtt2 import MQTTException
from umqtt2.connection import GREETING, UP
from umqtt2.errno import (
    ECONAUTH,
    ECONCLOSE,
    ECONCREDENTIALS,
    ECONPROTOCOL,
    ECONREJECT,
    ECONUNAVAIBLE,
    ECONUNKNOWN,
    ERESPONSE,
    SDELIVERED,
    SFAILED,
)
from umqtt2.packets.decoder import SMALL, decode
from umqtt2.v5 import V5

LIMITS = (8192, 0, 3, 20, 127, 128, 129, 300)
SIZES = 16

Packet = Union[tuple, str]
MALFORMED = "malformed"
REFUSED = "refused"
CONNACK_ERRORS = (ECONUNKNOWN, ECONPROTOCOL, ECONREJECT, ECONCREDENTIALS, ECONUNAVAIBLE, ECONAUTH)

# The properties that a server may send [2.2.2.2], by packet; acknowledgements are all alike. Those are missing that it
# may send only when the client has asked for them: 0x15 and 0x16, for authentication, 0x1A and 0x23.
ACK = {0x1F, 0x26}
ALLOWED = {
    0x20: {0x11, 0x12, 0x13, 0x1C, 0x1F, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A},
    0x30: {0x01, 0x02, 0x03, 0x08, 0x09, 0x0B, 0x26},
    0xE0: {0x1C, 0x1F, 0x26},
}
BYTES, TWOS, FOURS = {0x01, 0x24, 0x25, 0x28, 0x29, 0x2A}, {0x13, 0x21, 0x22}, {0x02, 0x11, 0x27}
BINARY = {0x09, 0x16}
REPEATED = {0x0B, 0x26}
NOT_ZERO = {0x0B, 0x21, 0x27}


class Malformed(Exception):
    """Bytes that no server may send."""


def run(data: bytes) -> None:
    """Decode what a fuzzer sends, in pieces of the fuzzer's choice."""
    choices = Choices(data)
    limit = choices.one(LIMITS)
    clean = choices.flag()
    sizes = choices.take(choices.number(SIZES))
    stream = choices.rest()
    assert list(decoded(stream, limit, clean, sizes)) == list(read(stream, limit, clean))


class Sink:
    """A Connection with its session store and transport, all in one."""

    want = pid = code = ping_sent = 0
    topic: bytes | None = None
    payload: bytes | None = None
    chunks = pending = None
    window = own_window = 20
    half = 0
    state = GREETING

    def __init__(self, limit: int) -> None:
        self.max_packet = limit
        self.session = self.transport = self
        self.told: list[Packet] = []
        self.written = b""
        self.closed = False

    def on_packet(self, first: int, pid: int, code: int) -> int | None:
        """Of the session store: messages with odd identifiers are known."""
        return SDELIVERED if pid & 1 else None

    def tell_status(self, pid: int, status: int) -> None:
        self.told.append(("status", pid, status))

    def close(self, by_broker: bool) -> None:
        self.closed = True

    def send(self, buf: bytes, n: int) -> None:
        self.written += buf[:n]


def decoded(stream: bytes, limit: int, clean: bool, sizes: bytes) -> Iterator[Packet]:
    """Yield what the decoder makes of `stream`; `sizes` are those of the pieces, over and over."""
    sink = Sink(limit)
    five = V5()
    hello = five.connect("c", clean, 0, None, None, None, sink)
    buf = bytearray(SMALL)
    assert hello[0] == 0x10
    try:
        for first in fed(decode(sink, buf, limit, five), sink, buf, stream, sizes):
            assert not sink.written
            if first:
                sink.state = UP
                yield packet(first, sink, five)
    except MQTTException as e:
        yield ended(e, sink, five)
        return
    assert 1 <= sink.session.window <= 20


def packet(first: int, sink: Sink, five: V5) -> Packet:
    """Return a complete packet."""
    found = {} if first == 0xD0 else five.properties()
    if first & 0xF0 == 0x30:
        return first, sink.pid, sink.topic, sink.payload, found
    if first == 0xD0:  # or one that refuses
        return sink.told.pop() if sink.told else (first,)
    if first in (0x20, 0x90):
        return first, 0 if first == 0x20 else sink.pid, sink.code, found
    return first, sink.pid, five.reason, found


def ended(e: MQTTException, sink: Sink, five: V5) -> Packet:
    """Return the end: MALFORMED, which the broker is told, a DISCONNECT, or a CONNACK that refuses."""
    if e.args[0] == ECONCLOSE:
        assert sink.closed and not sink.written
        return 0xE0, e.args[1], five.properties()
    if e.args[0] in CONNACK_ERRORS:
        assert not sink.written
        return REFUSED, e.args[1], five.properties()
    assert e.args[0] == ERESPONSE and e.args[1] in (0x81, 0x82, 0x95)
    assert sink.written == bytes((0xE0, 1, e.args[1]))
    return MALFORMED


class Reader:
    """Takes values from the beginning of bytes; Malformed when there are too few."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, n: int) -> bytes:
        if n > len(self.data):
            raise Malformed
        data, self.data = self.data[:n], self.data[n:]
        return data

    def uint(self, n: int) -> int:
        return int.from_bytes(self.take(n), "big")

    def varint(self) -> int:
        value = 0
        for i in range(4):
            digit = self.uint(1)
            value |= (digit & 127) << 7 * i
            if digit < 128:
                return value
        raise Malformed

    def text(self) -> bytes:
        value = self.take(self.uint(2))
        try:
            if "\0" in value.decode():
                raise Malformed
        except UnicodeError:
            raise Malformed from None
        return value

    def properties(self, allowed: set[int]) -> dict[int, Any]:
        r = Reader(self.take(self.varint()))
        found: dict[int, Any] = {}
        while r.data:
            key = r.uint(1)
            if key not in allowed or (key in found and key not in REPEATED):
                raise Malformed
            value = r.property(key)
            if (key in BYTES and value > 1) or (key in NOT_ZERO and not value):
                raise Malformed
            if key in REPEATED:
                found.setdefault(key, []).append(value)
            else:
                found[key] = value
        return found

    def property(self, key: int) -> Any:
        if key in BINARY:
            return self.take(self.uint(2))
        if key == 0x26:
            return self.text(), self.text()
        if key == 0x0B:
            return self.varint()
        size = 1 if key in BYTES else 2 if key in TWOS else 4 if key in FOURS else 0
        return self.uint(size) if size else self.text()


def read(stream: bytes, limit: int, clean: bool) -> Iterator[Packet]:
    """Yield what is complete in `stream`, as MQTT 5 has it; MALFORMED or a DISCONNECT ends it."""
    any_came = False
    while len(stream) > 1:
        first = stream[0]
        length, size = remaining_length(stream[1:5])
        if not size:
            return
        if size > 4 or not header(first, length) or (first == 0x20 and any_came):
            yield MALFORMED
            return
        up, any_came = any_came, True
        body = stream[1 + size : 1 + size + length]
        stream = stream[1 + size + length :]
        if len(body) < length:
            return
        try:
            if first & 0xF0 == 0x30:
                yield message(first, body, limit)
            elif length > max(limit, SMALL):
                raise Malformed
            else:
                packet = answer(first, body, clean, up)
                yield packet
                if first == 0xE0 or packet[0] == REFUSED:
                    return
        except Malformed:
            yield MALFORMED
            return


def header(first: int, length: int) -> bool:
    """Return whether a broker may send a fixed header."""
    if first & 0xF0 == 0x30:
        return first & 6 != 6
    return first in (0x20, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xE0) or (first == 0xD0 and not length)


def answer(first: int, body: bytes, clean: bool, up: bool) -> Packet:
    """Return what is in the body of anything but a PUBLISH. The first packet is to be a CONNACK: nobody is told of
    another."""
    if first == 0xD0:
        return (first,)
    r = Reader(body)
    if first == 0x20:
        return connack(r, clean)
    if first == 0xE0:
        code = r.uint(1) if r.data else 0
        found = r.properties(ALLOWED[first]) if r.data else {}
        if r.data:
            raise Malformed
        return first, code, found
    pid = r.uint(2)
    if first in (0x90, 0xB0):
        found = r.properties(ACK)
        code = r.uint(1)
    else:
        code = r.uint(1) if r.data else 0
        found = r.properties(ACK) if r.data else {}
    if r.data:
        raise Malformed
    if code > 127 and up and first in (0x40, 0x50, 0xB0):
        return ("status", pid, SFAILED) if pid & 1 else (0xD0,)
    return first, pid, code, found


def connack(r: Reader, clean: bool) -> Packet:
    """Return a CONNACK; one of MQTT 3.1.1 refuses the version."""
    if len(r.data) == 2:
        return REFUSED, 0x84, {}
    flags, code = r.uint(1), r.uint(1)
    found = r.properties(ALLOWED[0x20])
    if r.data or flags > 1 or (flags and (code or clean)):
        raise Malformed
    return (REFUSED, code, found) if code else (0x20, 0, flags << 8, found)


def message(first: int, body: bytes, limit: int) -> Packet:
    """Return what is in the body of a PUBLISH."""
    r = Reader(body)
    if len(body) > limit:  # it is not kept, and little of it is looked at
        topic = r.data[2 : 2 + r.uint(2)] if len(body) > 1 else b""
        pid = int.from_bytes(body[2 + len(topic) :][:2], "big") if first & 6 else 0
        if first & 6 and not pid:
            raise Malformed
        return first, pid, None, None, {}
    topic = r.take(r.uint(2))
    pid = r.uint(2) if first & 6 else 0
    if not topic or (first & 6 and not pid):
        raise Malformed
    found = r.properties(ALLOWED[0x30])
    return first, pid, topic, r.data, found
