"""Which topics a topic filter is for."""


def matches(wanted: "bytes", topic: "bytes") -> "bool":
    """Return whether a topic filter matches a topic name [4.7]."""
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
