"""Topic names and topic filters [4.7]."""

from .fields import short


def topic_name(topic: "str | bytes") -> "bytes":
    """Return the name of a topic to publish to, as bytes.

    Raises ValueError when it is empty, longer than 65,535 bytes, or has a wildcard or U+0000
    [MQTT-3.3.2-2, MQTT-4.7.3-1, MQTT-4.7.3-2].
    """
    topic = short(topic, "topic")
    if not topic or b"+" in topic or b"#" in topic or b"\0" in topic:
        raise ValueError("not a topic to publish to")
    return topic


def topic_filter(topic: "str | bytes") -> "bytes":
    """Return a topic filter to subscribe to, as bytes.

    Raises ValueError when it is empty, longer than 65,535 bytes, has U+0000, or a wildcard that does
    not fill a level, or `#` before the last level [MQTT-4.7.1-2, MQTT-4.7.1-3, MQTT-4.7.3-1].
    """
    topic = short(topic, "topic")
    bad = not topic or b"\0" in topic or b"#" in topic[:-1]
    for level in topic.split(b"/"):
        if len(level) > 1 and (b"+" in level or b"#" in level):
            bad = True
    if bad:
        raise ValueError("not a topic filter")
    return topic
