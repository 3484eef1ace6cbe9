"""Which topics a topic filter is for."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..cpython.contracts import Text


def matches(wanted: "Text", topic: "Text") -> "bool":
    """Return whether a topic filter matches a topic name [4.7]; each is a str or bytes."""
    if isinstance(wanted, str):
        wanted = wanted.encode()
    if isinstance(topic, str):
        topic = topic.encode()
    if topic[:1] == b"$" and wanted[:1] in (b"+", b"#"):
        return False  # [MQTT-4.7.2-1]
    levels = topic.split(b"/")
    i = 0
    for level in wanted.split(b"/"):
        if level == b"#":
            return True
        if i >= len(levels) or level not in (b"+", levels[i]):
            return False
        i += 1
    return i == len(levels)
