"""A broker's half of the packets of MQTT 3.1.1: what clients send is read, what brokers send is written.

The same functions as in `packets5`; there are no properties, so they are empty, and no reason codes but in CONNACK and
SUBACK.
"""

from ..packets.fields import ack, whole_packet
from ..packets.v311 import publish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LEVEL = 4


def _uint16(body: "bytes", i: "int" = 0) -> "int":
    return body[i] << 8 | body[i + 1]


def _string(body: "bytes", i: "int") -> "tuple[bytes, int]":
    end = i + 2 + _uint16(body, i)
    return body[i + 2 : end], end


def read_connect(body: "bytes") -> "dict[str, Any]":
    """Return what is in a CONNECT."""
    protocol, i = _string(body, 0)
    if protocol != b"MQTT" or body[i] != LEVEL:
        raise AssertionError("not MQTT 3.1.1")
    flags = body[i + 1]
    seen: "dict[str, Any]" = {
        "clean": flags & 2 != 0,
        "keepalive": _uint16(body, i + 2),
        "user": None,
        "password": None,
        "will": None,
    }
    seen["client_id"], i = _string(body, i + 4)
    if flags & 4:
        topic, i = _string(body, i)
        msg, i = _string(body, i)
        seen["will"] = (topic, msg, flags >> 3 & 3, flags & 32 != 0)
    if flags & 128:
        seen["user"], i = _string(body, i)
    if flags & 64:
        seen["password"], i = _string(body, i)
    return seen


def read_publish(first: "int", body: "bytes") -> "tuple[bytes, int, bytes, bytes]":
    """Return topic, packet identifier, properties and payload."""
    topic, i = _string(body, 0)
    pid = 0
    if first & 6:
        pid = _uint16(body, i)
        i += 2
    return topic, pid, b"", body[i:]


def read_ack(first: "int", body: "bytes") -> "tuple[int, int, bytes]":
    """Return packet identifier, reason code and properties of a PUBACK, PUBREC, PUBREL or PUBCOMP."""
    return _uint16(body), 0, b""


def read_subscribe(body: "bytes") -> "tuple[int, bytes, list[tuple[bytes, int]]]":
    """Return packet identifier, properties, and topic filters with their options, which are the QoS."""
    filters: "list[tuple[bytes, int]]" = []
    i = 2
    while i < len(body):
        topic, i = _string(body, i)
        filters.append((topic, body[i]))
        i += 1
    return _uint16(body), b"", filters


def read_unsubscribe(body: "bytes") -> "tuple[int, bytes, list[bytes]]":
    """Return packet identifier, properties, and topic filters."""
    filters = []
    i = 2
    while i < len(body):
        topic, i = _string(body, i)
        filters.append(topic)
    return _uint16(body), b"", filters


def read_disconnect(body: "bytes") -> "tuple[int, bytes]":
    """Return reason code and properties."""
    return 0, b""


def write_connack(present: "int", code: "int", properties: "bytes") -> "bytes":
    """Return a CONNACK."""
    return bytes((0x20, 2, present, code))


def write_publish(first: "int", topic: "bytes", pid: "int", properties: "bytes", msg: "bytes") -> "bytes":
    """Return a PUBLISH."""
    packet = bytearray(len(topic) + 9)
    n = publish(packet, topic, len(msg), first, pid)
    return bytes(packet[:n]) + msg


def write_ack(first: "int", pid: "int", code: "int", properties: "bytes") -> "bytes":
    """Return a PUBACK, PUBREC, PUBREL or PUBCOMP."""
    packet = bytearray(4)
    ack(packet, first, pid)
    return bytes(packet)


def write_suback(first: "int", pid: "int", codes: "bytes", properties: "bytes") -> "bytes":
    """Return a SUBACK or UNSUBACK."""
    return whole_packet(first, pid.to_bytes(2, "big") + (codes if first == 0x90 else b""))
