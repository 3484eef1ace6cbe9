"""PUBACK, PUBREC, PUBREL and PUBCOMP: the answers to a message, four bytes each [3.4 to 3.7]."""

from .fields import fixed_header, uint16


def ack(buf: "bytearray", first: "int", pid: "int") -> "int":
    """Write an acknowledgement to `buf` and return its length.

    first  which of the four: its first byte, from `types`
    pid    the packet identifier of the message
    """
    return uint16(buf, fixed_header(buf, first, 2), pid)
