"""Which messages at QoS 2 have arrived, and are not released yet."""

try:
    from binascii import crc32
except ImportError:  # a port without it

    def crc32(data, value=0):  # type: ignore[misc, no-untyped-def]
        """Return a number that is unlikely to be that of other data."""
        return hash(data) * 31 ^ value


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HEAD = 128  # bytes of a payload by which it is told apart from another
LIMIT = 100


def identity_of(topic: "bytes | None", payload: "Any", size: "int" = 0) -> "int":
    """Return a number by which a message is told from another one: some brokers use an identifier again too early, and
    some repeat a message without DUP.

    payload  all of it, or its first HEAD bytes
    size     its length, where that is not all
    """
    n = crc32(topic or b"", size or len(payload or b""))
    return crc32((payload or b"")[:HEAD], n) & 0x3FFFFFFF | 1


def remembered(received: "dict[int, int]", pid: "int") -> "int":
    """Return the identity of the message at QoS 2 that was given to the program, 0 for none, and make room for it.

    received  by packet identifier the identity of each, until the broker releases it [4.3.3]. It holds 100; of more
              the lowest is forgotten, the oldest as a rule, which the broker may then deliver twice after a reconnect
    """
    if pid not in received:
        if len(received) >= LIMIT:
            del received[min(received)]
        received[pid] = 0
    return received[pid]
