"""Topic names and topic filters [4.7]."""

from .fields import characters, utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosted.contracts import Text


def topic_name(topic: "Text") -> "bytes":
    """Return the name of a topic to publish to, as bytes.

    Raises ValueError when it is empty, longer than 65,535 bytes, no UTF-8, or has a wildcard or U+0000
    [MQTT-1.5.3-1, MQTT-3.3.2-2, MQTT-4.7.3-1, MQTT-4.7.3-2].
    """
    topic = characters(topic, "topic")
    for byte in b"+#":
        if byte in topic or not topic:
            raise ValueError("topic: empty, or with a wildcard")
    return topic


def topic_filter(topic: "Text") -> "bytes":
    """Return a topic filter to subscribe to, as bytes.

    Raises ValueError when it is empty, longer than 65,535 bytes, has U+0000, or a wildcard that does
    not fill a level, or `#` before the last level [MQTT-4.7.1-2, MQTT-4.7.1-3, MQTT-4.7.3-1].
    """
    topic = bytes(utf8(topic, "topic"))
    for level in topic.split(b"/"):
        if level not in b"+/#":  # empty, or all of it a wildcard
            topic_name(level)
    if not topic or b"#" in topic[:-1]:
        raise ValueError("topic: empty, or `#` is not its end")
    return topic
