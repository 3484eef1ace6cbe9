"""A broker's half of the packets of MQTT 5: what clients send is read, what brokers send is written.

Properties are the bytes after their length. Reading raises AssertionError for what no client may send, so that the test
fails; writing checks nothing.
"""

from ..packets.fields import whole_packet
from .properties import (
    decode_properties,
    read_binary,
    read_int,
    read_properties,
    read_string,
    require,
    varint,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LEVEL = 5

# The reason codes that a client may send [2.4].
_PUBACK = b"\x00\x10\x80\x83\x87\x90\x91\x97\x99"
REASONS = {
    4: _PUBACK,
    5: _PUBACK,
    6: b"\x00\x92",
    7: b"\x00\x92",
    14: b"\x00\x04\x80\x81\x82\x83\x90\x93\x94\x95\x96\x97\x98\x99",
}


def _topic(data: "bytes", i: "int") -> "tuple[bytes, int]":
    topic, i = read_string(data, i)
    require(not (b"+" in topic or b"#" in topic), "a wildcard in a topic")
    return topic, i


def _filter(data: "bytes", i: "int") -> "tuple[bytes, int]":
    topic, i = read_string(data, i)
    rest = topic
    if topic.startswith(b"$share/"):
        share, _, rest = topic[7:].partition(b"/")
        require(share and not (b"+" in share or b"#" in share), "a bad share name")
    require(rest and b"#" not in rest[:-1], "an empty topic filter, or # before its end")
    for level in rest.split(b"/"):
        require(len(level) < 2 or not (b"+" in level or b"#" in level), "a wildcard that does not fill its level")
    return topic, i


def _response_topic(properties: "bytes") -> "None":
    topic = decode_properties(properties).get(8, b"t")
    require(topic and not (b"+" in topic or b"#" in topic), "a bad response topic")


def _pid(body: "bytes", i: "int") -> "tuple[int, int]":
    pid, i = read_int(body, i, 2)
    require(pid, "a packet identifier that is 0")
    return pid, i


def read_connect(body: "bytes") -> "dict[str, Any]":
    """Return what is in a CONNECT [3.1]."""
    protocol, i = read_string(body, 0)
    level, i = read_int(body, i, 1)
    require(protocol == b"MQTT" and level == LEVEL, "not MQTT 5")
    flags, i = read_int(body, i, 1)
    require(not flags & 1 and flags >> 3 & 3 < 3, "wrong flags")
    require(flags & 4 or not flags & 0x38, "flags of a will, and no will")
    seen: "dict[str, Any]" = {"version": LEVEL, "clean": flags & 2 != 0, "user": None, "password": None}
    seen["will"] = None
    seen["will_properties"] = b""
    seen["keepalive"], i = read_int(body, i, 2)
    seen["properties"], i = read_properties(body, i, "1")
    seen["client_id"], i = read_string(body, i)
    if flags & 4:
        seen["will_properties"], i = read_properties(body, i, "w")
        _response_topic(seen["will_properties"])
        topic, i = _topic(body, i)
        require(topic, "an empty topic")
        msg, i = read_binary(body, i)
        seen["will"] = (topic, msg, flags >> 3 & 3, flags & 32 != 0)
    if flags & 128:
        seen["user"], i = read_string(body, i)
    if flags & 64:
        seen["password"], i = read_binary(body, i)
    require(i == len(body), "more in the packet than there should be")
    return seen


def read_publish(first: "int", body: "bytes") -> "tuple[bytes, int, bytes, bytes]":
    """Return topic, packet identifier, properties and payload [3.3]; the topic may be empty where there is an alias."""
    require(first & 6 != 6, "QoS 3")
    require(first & 6 or not first & 8, "DUP at QoS 0")
    topic, i = _topic(body, 0)
    pid = 0
    if first & 6:
        pid, i = _pid(body, i)
    properties, i = read_properties(body, i, "3")
    found = decode_properties(properties)
    require(11 not in found, "property 11: a client does not send it with a message")
    require(topic or 35 in found, "neither topic nor topic alias")
    _response_topic(properties)
    return topic, pid, properties, body[i:]


def _code(first: "int", body: "bytes", i: "int") -> "tuple[int, bytes]":
    # The reason code and properties with which a packet ends; a 0 without properties may be left out.
    kind = first >> 4
    code = 0
    properties = b""
    if i < len(body):
        code, i = read_int(body, i, 1)
        require(code in REASONS[kind], "no reason code of this packet: 0x%02x" % code)
    if i < len(body):
        properties, i = read_properties(body, i, "%x" % kind)
    require(i == len(body), "more in the packet than there should be")
    return code, properties


def read_ack(first: "int", body: "bytes") -> "tuple[int, int, bytes]":
    """Return packet identifier, reason code and properties of a PUBACK, PUBREC, PUBREL or PUBCOMP [3.4 to 3.7]."""
    pid, i = _pid(body, 0)
    code, properties = _code(first, body, i)
    return pid, code, properties


def read_subscribe(body: "bytes") -> "tuple[int, bytes, list[tuple[bytes, int]]]":
    """Return packet identifier, properties, and topic filters with their options [3.8]."""
    pid, i = _pid(body, 0)
    properties, i = read_properties(body, i, "8")
    filters: "list[tuple[bytes, int]]" = []
    while i < len(body) or not filters:
        topic, i = _filter(body, i)
        options, i = read_int(body, i, 1)
        require(options < 64 and options & 3 < 3 and options >> 4 < 3, "wrong subscription options")
        require(not options & 4 or not topic.startswith(b"$share/"), "no local on a shared subscription")
        filters.append((topic, options))
    return pid, properties, filters


def read_unsubscribe(body: "bytes") -> "tuple[int, bytes, list[bytes]]":
    """Return packet identifier, properties, and topic filters [3.10]."""
    pid, i = _pid(body, 0)
    properties, i = read_properties(body, i, "a")
    filters: "list[bytes]" = []
    while i < len(body) or not filters:
        topic, i = _filter(body, i)
        filters.append(topic)
    return pid, properties, filters


def read_disconnect(body: "bytes") -> "tuple[int, bytes]":
    """Return reason code and properties [3.14]."""
    code, properties = _code(0xE0, body, 0)
    require(28 not in decode_properties(properties), "property 28: a client does not send it")
    return code, properties


def _with_length(properties: "bytes") -> "bytes":
    return varint(len(properties)) + properties


def _short(code: "int", properties: "bytes") -> "bytes":
    # What may be left out is left out.
    if properties:
        return bytes((code,)) + _with_length(properties)
    return bytes((code,)) if code else b""


def write_connack(present: "int", code: "int", properties: "bytes") -> "bytes":
    """Return a CONNACK [3.2]."""
    return whole_packet(0x20, bytes((present, code)) + _with_length(properties))


def write_publish(first: "int", topic: "bytes", pid: "int", properties: "bytes", msg: "bytes") -> "bytes":
    """Return a PUBLISH [3.3]."""
    body = len(topic).to_bytes(2, "big") + topic
    if pid:
        body += pid.to_bytes(2, "big")
    return whole_packet(first, body + _with_length(properties) + msg)


def write_ack(first: "int", pid: "int", code: "int", properties: "bytes") -> "bytes":
    """Return a PUBACK, PUBREC, PUBREL or PUBCOMP [3.4 to 3.7]."""
    return whole_packet(first, pid.to_bytes(2, "big") + _short(code, properties))


def write_suback(first: "int", pid: "int", codes: "bytes", properties: "bytes") -> "bytes":
    """Return a SUBACK or UNSUBACK [3.9, 3.11]."""
    return whole_packet(first, pid.to_bytes(2, "big") + _with_length(properties) + codes)


def write_disconnect(code: "int", properties: "bytes") -> "bytes":
    """Return a DISCONNECT [3.14]."""
    return whole_packet(0xE0, _short(code, properties))
