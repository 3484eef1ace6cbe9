"""MQTT 3.1.1 as the specification has it, written a second time, to check the package against."""

from __future__ import annotations


def remaining_length(n: int) -> bytes:
    out = []
    while True:
        n, digit = divmod(n, 128)
        out.append(digit | (0x80 if n else 0))
        if not n:
            return bytes(out)


def packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + remaining_length(len(body)) + body


def string(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def publish(
    topic: bytes, payload: bytes, qos: int = 0, pid: int = 0, retain: bool = False, dup: bool = False
) -> bytes:
    body = string(topic) + (pid.to_bytes(2, "big") if qos else b"") + payload
    return packet(0x30 | dup << 3 | qos << 1 | retain, body)


def connack(present: int = 0, code: int = 0) -> bytes:
    return packet(0x20, bytes([present, code]))


def ack(first: int, pid: int) -> bytes:
    return packet(first, pid.to_bytes(2, "big"))


def suback(pid: int, code: int = 0) -> bytes:
    return packet(0x90, pid.to_bytes(2, "big") + bytes([code]))


PINGRESP = packet(0xD0, b"")


class Reader:
    """Takes a packet of a client apart, strictly."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, n: int) -> bytes:
        assert len(self.data) >= n, "the packet ends too early"
        out, self.data = self.data[:n], self.data[n:]
        return out

    def uint8(self) -> int:
        return self.take(1)[0]

    def uint16(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def string(self) -> bytes:
        return self.take(self.uint16())

    def remaining_length(self) -> int:
        value = 0
        for shift in (0, 7, 14, 21):
            digit = self.uint8()
            value |= (digit & 127) << shift
            if digit < 128:
                return value
        raise AssertionError("remaining length of more than four bytes")


def parse(data: bytes) -> tuple[dict, bytes]:
    """Return the first packet in `data` as a dict, and what follows it."""
    outer = Reader(data)
    first = outer.uint8()
    r = Reader(outer.take(outer.remaining_length()))
    p: dict = {"type": first >> 4}
    if p["type"] == 3:
        qos = first >> 1 & 3
        p |= {"dup": bool(first & 8), "qos": qos, "retain": bool(first & 1), "topic": r.string()}
        p["pid"] = r.uint16() if qos else 0
        p["payload"] = r.take(len(r.data))
    elif p["type"] == 1:
        assert first == 0x10 and r.string() == b"MQTT" and r.uint8() == 4
        flags = r.uint8()
        assert not flags & 1
        p |= {"clean": bool(flags & 2), "keepalive": r.uint16(), "client_id": r.string(), "will": None}
        if flags & 4:
            p["will"] = (r.string(), r.string(), bool(flags & 32), flags >> 3 & 3)
        else:
            assert not flags & 0x38
        p["user"] = r.string() if flags & 128 else None
        p["password"] = r.string() if flags & 64 else None
    elif first == 0x82:
        p |= {"pid": r.uint16(), "topic": r.string(), "qos": r.uint8()}
    elif first == 0xA2:
        p |= {"pid": r.uint16(), "topic": r.string()}
    elif first in (0x40, 0x50, 0x62, 0x70):
        p["pid"] = r.uint16()
    else:
        assert first in (0xC0, 0xE0), hex(first)
    assert not r.data, "more in the packet than there should be"
    return p, outer.data


def parse_all(data: bytes) -> list[dict]:
    out = []
    while data:
        p, data = parse(data)
        out.append(p)
    return out
