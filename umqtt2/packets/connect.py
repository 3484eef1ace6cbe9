"""CONNECT: what a client says first [3.1]."""

from .fields import characters, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosted.contracts import Payload, Text


def connect(
    client_id: "Text",
    clean: "bool",
    keepalive: "int",
    user: "Text | None",
    password: "Text | None",
    will: "tuple[Text, Payload, bool, int] | None",
) -> "bytes":
    """Return what follows the fixed header of a CONNECT.

    client_id  the client identifier; may be empty for a clean session only [MQTT-3.1.3-7]
    clean      True for a clean session [3.1.2.4]
    keepalive  seconds, 0 to 65535; 0 turns it off [3.1.2.10]
    user       or None; without it no password is allowed [MQTT-3.1.2-22]
    password   or None
    will       topic, payload, retain and QoS of the last will, or None [3.1.2.5]

    Raises ValueError, with the name of the argument, for what MQTT forbids.
    """
    if not (client_id or clean):
        raise ValueError("client_id: empty, and no clean session")
    if not 0 <= keepalive < 65536:
        raise ValueError("keepalive: not 0 to 65535")
    flags = 2 if clean else 0
    fields = string(characters(client_id, "client_id"), "client_id")
    if will:
        topic, msg, retain, qos = will
        flags |= 4 | qos << 3 | (32 if retain else 0)
        fields += string(topic, "topic") + string(msg, "msg")
    if user is not None:
        flags |= 128
        fields += string(characters(user, "user"), "user")
    if password is not None:
        if user is None:
            raise ValueError("password: without a user")
        flags |= 64
        fields += string(password, "password")
    # Protocol name and level: 3.1.1.
    return b"\0\4MQTT\4" + bytes((flags, keepalive >> 8, keepalive & 255)) + fields
