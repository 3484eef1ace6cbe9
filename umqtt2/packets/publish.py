"""PUBLISH: a message [3.3]."""

from .fields import fixed_header, uint16

HEAD = 9  # bytes that a PUBLISH may have before its payload, besides its topic
LONGEST = 268369916  # bytes of payload that MQTT can send to any topic: 268,435,455 - 65,535 - 4 [2.2.3]


def publish(buf: "bytearray", topic: "bytes", size: "int", first: "int", pid: "int") -> "int":
    """Write a PUBLISH up to its payload to `buf` and return the length of what was written.

    buf    has room for the topic and HEAD bytes more
    topic  the topic name, as `topic.topic_name` returns it
    size   length of the payload in bytes
    first  the first byte: PUBLISH, and the flags DUP 8, QoS 0, 2 or 4, RETAIN 1 [3.3.1]
    pid    the packet identifier at QoS 1 and 2, otherwise 0
    """
    n = len(topic)
    i = fixed_header(buf, first, n + size + (4 if pid else 2))
    i = uint16(buf, i, n)
    n += i
    buf[i:n] = topic
    if pid:
        n = uint16(buf, n, pid)
    return n
