"""What packets are made of: the fixed header, integers and strings."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosted.contracts import Payload

BYTES = (bytes, bytearray, memoryview)


def fixed_header(buf: "bytearray", first: "int", length: "int", payload: "int" = 0) -> "int":
    """Make room in `buf` and write a fixed header [2.2].

    first    the first byte: packet type and flags
    length   bytes that will follow in `buf`
    payload  bytes that will follow from elsewhere

    Returns the index after the header. Raises ValueError when the remaining length is more than
    MQTT can say (268,435,455) [2.2.3].
    """
    remaining = length + payload
    if remaining > 268435455:
        raise ValueError("packet too long")
    missing = length + 5 - len(buf)
    if missing > 0:
        buf.extend(bytes(missing))
    buf[0] = first
    i = 1
    while remaining > 127:
        buf[i] = remaining & 127 | 128
        remaining >>= 7
        i += 1
    buf[i] = remaining
    return i + 1


def uint16(buf: "bytearray", i: "int", value: "int") -> "int":
    """Write `value` in two bytes, the higher one first, at `buf[i]` [1.5.2]. Returns the index after it."""
    buf[i] = value >> 8
    buf[i + 1] = value & 255
    return i + 2


def string(buf: "bytearray", i: "int", data: "bytes") -> "int":
    """Write `data` with its length before it at `buf[i]` [1.5.3]. Returns the index after it."""
    i = uint16(buf, i, len(data))
    end = i + len(data)
    buf[i:end] = data
    return end


def utf8(text: "Payload") -> "bytes | bytearray | memoryview":
    """Return `text` as bytes: a str as its UTF-8, what is bytes already as it is [1.5.3].

    Raises TypeError for anything else.
    """
    if isinstance(text, str):
        return text.encode()
    if not isinstance(text, BYTES):
        raise TypeError("neither str nor bytes")
    return text


def short(text: "Payload", name: "str") -> "bytes":
    """Return `text` as bytes; raises ValueError when they do not fit a length of two bytes [1.5.3]."""
    data = utf8(text)
    if len(data) > 65535:
        raise ValueError(name + " too long")
    return data  # type: ignore[return-value]
