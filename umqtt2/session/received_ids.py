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


class ReceivedIds(dict):  # type: ignore[type-arg]
    """A dict from the packet identifiers of messages that were given to the program, until the broker
    releases them [4.3.3], to a number by which a repetition is told from another message: some brokers use an
    identifier again too early, and some repeat a message without DUP. 0 is a message that is being delivered.

    It holds 100; of more it forgets the lowest, the oldest as a rule, which the broker may then deliver twice after a
    reconnect.
    """

    _identity = 0  # of the message that `is_new` has seen last

    def is_new(self, pid: "int", topic: "bytes | None", payload: "Any", size: "int" = 0) -> "bool":
        """Return whether a message has not come before, and make room to remember it.

        payload  all of it, or its first HEAD bytes
        size     its length, where that is not all
        """
        n = crc32(topic or b"", size or len(payload or b""))
        self._identity = crc32((payload or b"")[:HEAD], n) & 0x3FFFFFFF | 1
        if pid not in self:
            if len(self) >= LIMIT:
                del self[min(self)]
            self[pid] = 0
        return self[pid] != self._identity  # type: ignore[no-any-return]

    def mark(self, pid: "int") -> "bool":
        """The program has the message that `is_new` has seen last. Returns False when the broker has begun another
        session since."""
        if pid in self:
            self[pid] = self._identity
        return pid in self
