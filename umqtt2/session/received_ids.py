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


def look_up(
    received: "dict[int, int]", pid: "int", topic: "bytes | None", payload: "Any", size: "int" = 0
) -> "tuple[int, int]":
    """Return the identity of a message at QoS 2 that has come, and that of the one which the program has by the same
    packet identifier, 0 for none; and make room for it.

    An identity tells a repetition from another message: some brokers use an identifier again too early, and some
    repeat a message without DUP.

    received  identities by packet identifier, until the broker releases them [4.3.3]. It holds 100; of more the lowest
              is forgotten, the oldest as a rule, which the broker may then deliver twice after a reconnect
    payload   all of it, or its first HEAD bytes
    size      its length, where that is not all
    """
    n = crc32(topic or b"", size or len(payload or b""))
    if pid not in received:
        if len(received) >= LIMIT:
            del received[min(received)]
        received[pid] = 0
    return crc32((payload or b"")[:HEAD], n) & 0x3FFFFFFF | 1, received[pid]
