"""The packets of MQTT 3.1.1."""

from ..constants import FIVE
from ..errno import ECONUNKNOWN, MQTTException
from .fields import (
    CONNECT,
    SUBSCRIBE,
    binary,
    fixed_header,
    string,
    text_bytes,
    topic_name,
    whole_packet,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..cpython.contracts import Text


def connect(
    client_id: "Text",
    clean: "bool",
    keepalive: "int",
    user: "Text | None",
    password: "Text | None",
    will: "tuple[bytes, bytes, bool, int] | None",
    connection: "object" = None,
    five: "bytes" = b"",
    more: "bytes" = b"",
) -> "bytes":
    """Return a CONNECT [3.1].

    client_id  the client identifier; may be empty for a clean session only [MQTT-3.1.3-7]
    clean      True for a clean session [3.1.2.4]
    keepalive  seconds, 0 to 65535; 0 turns it off [3.1.2.10]
    user       or None; without it no password is allowed [MQTT-3.1.2-22]
    password   or None
    will       topic, payload, retain and QoS of the last will, or None [3.1.2.5]
    connection  the Connection that it is for; only MQTT 5 asks it
    five, more  with MQTT 5 the properties of the CONNECT, and those of the last will

    Raises ValueError or TypeError, with the name of the argument, for what MQTT forbids.
    """
    if not (client_id or clean or (FIVE and five)):
        raise ValueError("client_id: empty, which needs a clean session")
    if not isinstance(keepalive, int):
        raise TypeError("keepalive: not an int but %s" % type(keepalive).__name__)
    if not 0 <= keepalive < 65536:
        raise ValueError("keepalive: not 0 to 65,535 seconds")
    flags = 2 if clean else 0
    fields = string(text_bytes(client_id, "client_id"))
    if FIVE:
        fields += more
    if will:
        topic, msg, retain, qos = will
        flags |= 4 | qos << 3 | (32 if retain else 0)
        fields += string(topic) + string(msg)
    if user is not None:
        flags |= 128
        fields += string(text_bytes(user, "user"))
    if password is not None:
        if user is None and not (FIVE and five):
            raise ValueError("password: without a user")
        flags |= 64
        password = binary(password, "password")
        fields += string(password)
    if FIVE:
        fields = five + fields
    return whole_packet(
        CONNECT,
        (b"\0\4MQTT\5" if FIVE and five else b"\0\4MQTT\4")  # name and level
        + bytes((flags, keepalive >> 8, keepalive & 255))
        + fields,
    )


def publish(buf: "bytearray", topic: "bytes", size: "int", first: "int", pid: "int") -> "int":
    """Write a PUBLISH up to its payload to `buf` and return the length of what was written [3.3].

    buf    has room for the topic and PUBLISH_HEAD bytes more
    topic  the topic name, as `topic_name` returns it
    size   length of the payload in bytes
    first  the first byte: PUBLISH, and the flags DUP 8, QoS 0, 2 or 4, RETAIN 1 [3.3.1]
    pid    the packet identifier at QoS 1 and 2, otherwise 0
    """
    n = len(topic)
    i = fixed_header(buf, first, n + size + (4 if pid else 2))
    buf[i] = n >> 8
    buf[i + 1] = n & 255
    i += 2
    n += i
    # It stands there where the last message had the same topic; to write a slice takes memory.
    if not buf.startswith(topic, i):
        buf[i:n] = topic
    if pid:
        buf[n] = pid >> 8
        buf[n + 1] = pid & 255
        n += 2
    return n


def subscribe(first: "int", pid: "int", topic: "bytes", qos: "int") -> "bytes":
    """Return a SUBSCRIBE or UNSUBSCRIBE for one topic filter [3.8, 3.10].

    first  which of the two
    pid    the packet identifier
    topic  the topic filter, as `fields.topic_filter` returns it
    qos    the highest QoS wanted; without a meaning for an UNSUBSCRIBE
    """
    body = pid.to_bytes(2, "big") + string(topic)
    if first == SUBSCRIBE:
        if FIVE:
            qos &= 3  # a session's file may have the options of MQTT 5
        body += bytes((qos,))
    return whole_packet(first, body)


def refusal(code: "int") -> "MQTTException":
    """Return the exception for a CONNACK with this return code [3.2.2.3]."""
    return MQTTException(ECONUNKNOWN + code if code < 6 else ECONUNKNOWN, code)


class V311:
    """MQTT 3.1.1, for the client's `packets=`: see the contract in `umqtt2.packets`."""

    connect = staticmethod(connect)
    publish = staticmethod(publish)
    subscribe = staticmethod(subscribe)
    topic_name = staticmethod(topic_name)
    five = False
