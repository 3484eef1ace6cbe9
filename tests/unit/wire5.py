"""MQTT 5 as the specification has it, written a second time, to check the package against."""

from __future__ import annotations

from tests.unit.wire import Reader, packet, remaining_length, string

BYTE, TWO, FOUR, VARINT, TEXT, PAIR = range(6)
KINDS = {
    0x01: BYTE, 0x02: FOUR, 0x03: TEXT, 0x08: TEXT, 0x09: TEXT, 0x0B: VARINT, 0x11: FOUR, 0x12: TEXT, 0x13: TWO,
    0x15: TEXT, 0x16: TEXT, 0x17: BYTE, 0x18: FOUR, 0x19: BYTE, 0x1A: TEXT, 0x1C: TEXT, 0x1F: TEXT, 0x21: TWO,
    0x22: TWO, 0x23: TWO, 0x24: BYTE, 0x25: BYTE, 0x26: PAIR, 0x27: FOUR, 0x28: BYTE, 0x29: BYTE, 0x2A: BYTE,
}  # fmt: skip


def one(key: int, value) -> bytes:
    kind = KINDS[key]
    if kind == PAIR:
        return bytes([key]) + string(value[0]) + string(value[1])
    if kind == TEXT:
        return bytes([key]) + string(value)
    if kind == VARINT:
        return bytes([key]) + remaining_length(value)
    return bytes([key]) + value.to_bytes((1, 2, 4)[kind], "big")


def properties(pairs=()) -> bytes:
    """Properties with their length; `pairs` is a list of (identifier, value)."""
    data = b"".join(one(key, value) for key, value in pairs)
    return remaining_length(len(data)) + data


def read_properties(r: Reader) -> list:
    r = Reader(r.take(r.remaining_length()))
    found: list[tuple] = []
    while r.data:
        key = r.uint8()
        kind = KINDS[key]
        if kind == PAIR:
            found.append((key, (r.string(), r.string())))
        elif kind == TEXT:
            found.append((key, r.string()))
        elif kind == VARINT:
            found.append((key, r.remaining_length()))
        else:
            found.append((key, int.from_bytes(r.take((1, 2, 4)[kind]), "big")))
    return found


def connack(code=0, present=0, pairs=()) -> bytes:
    return packet(0x20, bytes([present, code]) + properties(pairs))


def publish(topic: bytes, payload: bytes, pid: int = 0, qos: int = 0, pairs=(), flags: int = 0) -> bytes:
    identifier = pid.to_bytes(2, "big") if qos else b""
    return packet(0x30 | qos << 1 | flags, string(topic) + identifier + properties(pairs) + payload)


def ack(first: int, pid: int, code: int | None = None, pairs=None) -> bytes:
    body = pid.to_bytes(2, "big")
    if code is not None:
        body += bytes([code])
    if pairs is not None:
        body += properties(pairs)
    return packet(first, body)


def suback(pid: int, code: int = 0, pairs=(), first: int = 0x90) -> bytes:
    return packet(first, pid.to_bytes(2, "big") + properties(pairs) + bytes([code]))


def disconnect(code: int | None = None, pairs=None) -> bytes:
    body = b"" if code is None else bytes([code])
    return packet(0xE0, body if pairs is None else body + properties(pairs))


def parse(data: bytes) -> tuple[dict, bytes]:
    """Return the first packet in `data`, which a client has sent, as a dict, and what follows it."""
    outer = Reader(data)
    first = outer.uint8()
    r = Reader(outer.take(outer.remaining_length()))
    p: dict = {"first": first}
    kind = first >> 4
    if kind == 1:
        assert r.string() == b"MQTT" and r.uint8() == 5
        flags = r.uint8()
        p.update(clean=flags >> 1 & 1, keepalive=r.uint16(), properties=read_properties(r), client_id=r.string())
        assert not flags & 1
        if flags & 4:
            p["will"] = (read_properties(r), r.string(), r.string(), flags >> 3 & 3, flags >> 5 & 1)
        if flags & 128:
            p["user"] = r.string()
        if flags & 64:
            p["password"] = r.string()
    elif kind == 3:
        p.update(topic=r.string(), pid=r.uint16() if first & 6 else 0, properties=read_properties(r), payload=r.data)
        r.data = b""
    elif kind in (4, 5, 6, 7):
        p.update(pid=r.uint16(), code=r.uint8() if r.data else 0)
        p["properties"] = read_properties(r) if r.data else []
    elif kind in (8, 10):
        p.update(pid=r.uint16(), properties=read_properties(r), topic=r.string())
        if kind == 8:
            p["options"] = r.uint8()
    elif kind == 14:
        p["code"] = r.uint8() if r.data else 0
        p["properties"] = read_properties(r) if r.data else []
    assert not r.data, "bytes follow"
    return p, outer.data


def parse_all(data: bytes) -> list[dict]:
    found = []
    while data:
        p, data = parse(data)
        found.append(p)
    return found
