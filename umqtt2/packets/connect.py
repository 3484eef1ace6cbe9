"""CONNECT: what a client says first [3.1]."""

from .fields import fixed_header, short, string, uint16
from .types import CONNECT


def connect(
    buf: "bytearray",
    client_id: "str | bytes",
    clean: "bool",
    keepalive: "int" = 0,
    user: "str | bytes | None" = None,
    password: "str | bytes | None" = None,
    will: "tuple[bytes, bytes, bool, int] | None" = None,
) -> "int":
    """Write a CONNECT to `buf` and return its length.

    client_id  the client identifier; may be empty for a clean session only [MQTT-3.1.3-7]
    clean      True for a clean session [3.1.2.4]
    keepalive  seconds, 0 to 65535; 0 turns it off [3.1.2.10]
    user       or None; without it no password is allowed [MQTT-3.1.2-22]
    password   or None
    will       topic, payload, retain and QoS of the last will, or None [3.1.2.5]

    Raises ValueError for what MQTT forbids.
    """
    client_id = short(client_id, "client_id")
    if not (client_id or clean):
        raise ValueError("an empty client_id needs a clean session")
    if not 0 <= keepalive <= 65535:
        raise ValueError("keepalive must be 0 to 65535")
    flags = 2 if clean else 0
    fields = [client_id]
    if will:
        flags |= 4 | will[3] << 3 | (32 if will[2] else 0)
        fields += [will[0], will[1]]
    if user is not None:
        flags |= 128
        fields.append(short(user, "user"))
    if password is not None:
        if user is None:
            raise ValueError("a password needs a user")
        flags |= 64
        fields.append(short(password, "password"))
    length = 10
    for data in fields:
        length += 2 + len(data)
    i = string(buf, fixed_header(buf, CONNECT, length), b"MQTT")
    buf[i] = 4  # protocol level: 3.1.1
    buf[i + 1] = flags
    i = uint16(buf, i + 2, keepalive)
    for data in fields:
        i = string(buf, i, data)
    return i
