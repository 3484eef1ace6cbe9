"""What packets are made of: their first bytes, the fixed header, strings, topics."""

from ..constants import CHECKS, HUGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..cpython.contracts import Payload, Text

# The first byte of each control packet: its type and, where they are fixed, its flags [2.2.1, 2.2.2].
CONNECT = 0x10
CONNACK = 0x20
PUBLISH = 0x30  # and the flags DUP 8, QoS 6, RETAIN 1
PUBACK = 0x40
PUBREC = 0x50
PUBREL = 0x62
PUBCOMP = 0x70
SUBSCRIBE = 0x82
SUBACK = 0x90
UNSUBSCRIBE = 0xA2
UNSUBACK = 0xB0
PINGRESP = 0xD0

# The packets that are a fixed header and nothing else [3.12, 3.14].
PINGREQ = b"\xc0\0"
DISCONNECT = b"\xe0\0"

DUP = 8
PUBLISH_HEAD = 10  # bytes that a PUBLISH may have before its payload, besides its topic and properties
LONGEST = 268369916  # bytes of payload that MQTT can send to any topic: 268,435,455 - 65,535 - 4 [2.2.3]

# Characters of topics. `PLUS in name` takes less memory than `b"+" in name`.
HASH = 0x23
PLUS = 0x2B


def fixed_header(buf: "bytearray", first: "int", length: "int") -> "int":
    """Write a fixed header to the start of `buf`, which has room for five bytes [2.2].

    first   the first byte: packet type and flags
    length  remaining length: bytes that will follow the header, up to 268,435,455 [2.2.3]

    Returns the index after it.
    """
    buf[0] = first
    i = 1
    while length > 127:
        buf[i] = length & 127 | 128
        length >>= 7
        i += 1
    buf[i] = length
    return i + 1


def ack(buf: "bytearray", first: "int", pid: "int") -> "int":
    """Write an acknowledgement to `buf` and return its length [3.4 to 3.7].

    first  which of the four: PUBACK, PUBREC, PUBREL or PUBCOMP
    pid    the packet identifier of the message
    """
    buf[0] = first
    buf[1] = 2
    buf[2] = pid >> 8
    buf[3] = pid & 255
    return 4


def whole_packet(first: "int", body: "bytes") -> "bytes":
    """Return a whole packet: the fixed header for `body`, and `body`."""
    head = bytearray(5)
    n = fixed_header(head, first, len(body))
    return bytes(head[:n]) + body


def encoded(value: "Payload", name: "str") -> "bytes":
    """Return a str as its UTF-8, what is bytes already as it is; raises TypeError, with the argument's `name`, for what
    is neither."""
    if isinstance(value, str):
        value = value.encode()
    if not isinstance(value, (bytes, bytearray, memoryview)):
        if CHECKS and name != "msg":
            raise TypeError("%s: not str or bytes but %s" % (name, type(value).__name__))
        raise TypeError(
            "%s: not str or bytes but %s; use str() or json.dumps()" % (name, type(value).__name__)
        )
    return value  # type: ignore[return-value]


def payload_bytes(msg: "Payload") -> "bytes":
    """Return a payload as bytes: a str as its UTF-8, what is bytes already as it is.

    Raises TypeError when it is neither str nor bytes, or a memoryview whose items are wider than a byte;
    ValueError when it is too long for MQTT.
    """
    msg = encoded(msg, "msg")
    if len(bytes(msg[:1])) > 1:
        raise TypeError("msg: a memoryview of items wider than a byte; use bytes()")
    if HUGE and len(msg) > LONGEST:
        raise ValueError("msg: longer than MQTT allows")
    return msg


def text_bytes(value: "Payload", name: "str") -> "bytes":
    """Return a text as bytes of its own [1.5.3].

    Raises, with the argument's `name`, TypeError when `value` is neither str nor bytes, and ValueError
    when it is longer than 65,535 bytes, is not valid UTF-8 or has U+0000 [MQTT-1.5.3-1, MQTT-1.5.3-2].
    """
    try:
        value = bytes(encoded(value, name))
        str(value, "utf-8")
    except ValueError:
        value = bytes(1)  # U+0000, as bad
    if 0 in value or len(value) > 65535:
        raise ValueError(name + ": longer than 65,535 bytes, not UTF-8, or with U+0000")
    return value


def binary(value: "Payload", name: "str") -> "bytes":
    """Return binary data as bytes of its own; raises TypeError or ValueError, with the argument's `name`."""
    value = bytes(encoded(value, name))
    if len(value) > 65535:
        raise ValueError(name + ": longer than 65,535 bytes")
    return value


def string(value: "bytes") -> "bytes":
    """Return `value` with its length before it [1.5.3]."""
    return len(value).to_bytes(2, "big") + value


def check_count(value: "int", name: "str") -> "None":
    """Raise ValueError, with the argument's `name`, for what is not an int from 1."""
    if not isinstance(value, int) or value < 1:
        raise ValueError(name + ": not an int from 1")


def check_callback(f: "object", name: "str") -> "None":
    """Raise TypeError, with the name of what it was given to, for what cannot be called; None is no callback."""
    if f is not None and not callable(f):
        raise TypeError("%s: not a function but %s" % (name, type(f).__name__))


def topic_name(topic: "Text") -> "bytes":
    """Return the name of a topic to publish to, as bytes.

    Raises ValueError when it is empty, longer than 65,535 bytes, not valid UTF-8, or has a wildcard or
    U+0000 [MQTT-1.5.3-1, MQTT-3.3.2-2, MQTT-4.7.3-1, MQTT-4.7.3-2].
    """
    name = text_bytes(topic, "topic")
    if not name or PLUS in name or HASH in name:
        raise ValueError("topic: empty, or with a wildcard, + or #")
    return name


def topic_filter(topic: "Text") -> "bytes":
    """Return a topic filter to subscribe to, as bytes.

    Raises ValueError when it is empty, longer than 65,535 bytes, not valid UTF-8, has U+0000, or a
    wildcard that does not fill a level, or `#` before the last level [MQTT-4.7.1-2, MQTT-4.7.1-3,
    MQTT-4.7.3-1].
    """
    name = text_bytes(topic, "topic")
    wrong = not name or HASH in name[:-1]
    for level in name.split(b"/"):
        if len(level) > 1 and (PLUS in level or HASH in level):
            wrong = True
    if wrong:
        raise ValueError("topic: empty, or with + or # in the wrong place")
    return name
