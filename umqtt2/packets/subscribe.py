"""SUBSCRIBE and UNSUBSCRIBE, for one topic filter each [3.8, 3.10]."""

from .fields import fixed_header, string, uint16
from .types import SUBSCRIBE, UNSUBSCRIBE


def subscribe(buf: "bytearray", topic: "bytes", qos: "int", pid: "int") -> "int":
    """Write a SUBSCRIBE to `buf` and return its length.

    topic  the topic filter, as `topic.topic_filter` returns it
    qos    the highest QoS wanted: 0, 1 or 2
    pid    the packet identifier
    """
    i = fixed_header(buf, SUBSCRIBE, len(topic) + 5)
    i = string(buf, uint16(buf, i, pid), topic)
    buf[i] = qos
    return i + 1


def unsubscribe(buf: "bytearray", topic: "bytes", pid: "int") -> "int":
    """Write an UNSUBSCRIBE to `buf` and return its length; the arguments are those of `subscribe`."""
    i = fixed_header(buf, UNSUBSCRIBE, len(topic) + 4)
    return string(buf, uint16(buf, i, pid), topic)
