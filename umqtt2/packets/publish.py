"""PUBLISH: a message [3.3]."""

from .fields import fixed_header, string, uint16
from .types import PUBLISH


def publish(
    buf: "bytearray", topic: "bytes", size: "int", flags: "int" = 0, pid: "int" = 0
) -> "int":
    """Write a PUBLISH up to its payload to `buf` and return the length of what was written.

    topic  the topic name, as `topic.topic_name` returns it
    size   length of the payload in bytes
    flags  DUP 8, QoS 0, 2 or 4, RETAIN 1 [3.3.1]
    pid    the packet identifier at QoS 1 and 2, otherwise 0
    """
    length = len(topic) + 2
    if pid:
        length += 2
    i = string(buf, fixed_header(buf, PUBLISH | flags, length, size), topic)
    if pid:
        i = uint16(buf, i, pid)
    return i
