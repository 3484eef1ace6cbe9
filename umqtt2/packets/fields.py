"""What packets are made of: the fixed header, integers and strings."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosted.contracts import Payload

BYTES = (bytes, bytearray, memoryview)


def fixed_header(buf: "bytearray", first: "int", length: "int") -> "int":
    """Write a fixed header to the start of `buf`, which has room for five bytes [2.2].

    first   the first byte: packet type and flags
    length  remaining length: bytes that will follow the header, up to 268,435,455 [2.2.3]

    Returns the index after it.
    """
    buf[0] = first
    i = 1
    while length > 127:
        buf[i] = length & 127 | 128
        length >>= 7
        i += 1
    buf[i] = length
    return i + 1


def uint16(buf: "bytearray", i: "int", value: "int") -> "int":
    """Write `value` in two bytes, the higher one first, at `buf[i]` [1.5.2]. Returns the index after it."""
    buf[i] = value >> 8
    buf[i + 1] = value & 255
    return i + 2


def utf8(text: "Payload", name: "str", most: "int" = 65535) -> "bytes":
    """Return `text` as bytes: a str as its UTF-8, what is bytes already as it is [1.5.3].

    Raises, with the argument's `name`, ValueError when there are more than `most` bytes, and TypeError
    when it is neither str nor bytes.
    """
    if isinstance(text, str):
        text = text.encode()
    if not isinstance(text, BYTES):
        raise TypeError(name)
    if len(text) > most:
        raise ValueError(name)
    return text  # type: ignore[return-value]


def characters(text: "Payload", name: "str") -> "bytes":
    """Return what has to be text as `utf8` does; raises ValueError too when it is no UTF-8 or has U+0000
    [MQTT-1.5.3-1, MQTT-1.5.3-2]."""
    text = bytes(utf8(text, name))
    str(text, "utf-8")  # what this raises is a ValueError
    if b"\0" in text:
        raise ValueError(name)
    return text


def string(text: "Payload", name: "str") -> "bytes":
    """Return `text` as bytes with their length before them [1.5.3]; raises as `utf8` does."""
    text = utf8(text, name)
    return len(text).to_bytes(2, "big") + text
