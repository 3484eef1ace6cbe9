"""The session store that a client has by default: identifiers and deadlines, no messages."""

from ..errno import EUNKNOWN, MQTTException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosted.contracts import Clock, Payload


class PidSession:
    """Remembers which packet identifiers are in flight, and until when.

    pids  a dict from packet identifier to deadline in ticks
    """

    def __init__(self) -> "None":
        self.pids: "dict[int, int]" = {}
        self._last = 0

    def next_pid(self) -> "int":
        """Return a packet identifier that is not in flight.

        Raises MQTTException(EUNKNOWN, text) when all 65,535 are [MQTT-2.3.1-2].
        """
        for _ in range(65535):
            self._last = self._last % 65535 + 1
            if self._last not in self.pids:
                return self._last
        raise MQTTException(EUNKNOWN, "every packet identifier is in flight")

    def add(
        self, pid: "int", deadline: "int", first: "int", topic: "bytes", msg: "Payload | int | None"
    ) -> "None":
        """Remember `pid` until `deadline`; the packet itself is not kept."""
        self.pids[pid] = deadline

    def done(self, pid: "int") -> "bool":
        """Forget `pid`; return whether it was in flight."""
        return self.pids.pop(pid, None) is not None

    def expired(self, clock: "Clock") -> "int":
        """Forget one identifier whose deadline has passed and return it, or 0."""
        for pid in self.pids:
            if clock.ticks_diff(self.pids[pid], clock.ticks_ms()) <= 0:
                del self.pids[pid]
                return pid
        return 0

    def clear(self) -> "None":
        """Forget everything in flight."""
        self.pids.clear()
