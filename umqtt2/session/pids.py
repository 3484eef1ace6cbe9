"""The session store that a client has by default: identifiers and deadlines, no messages."""

from ..errno import EUNKNOWN, MQTTException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosted.contracts import Clock, Payload


class PidSession(dict):  # type: ignore[type-arg]
    """Remembers which packet identifiers are in flight, and until when: it is a dict from packet
    identifier to deadline in ticks. See the contract in `umqtt2.session`."""

    _last = 0  # the identifier that was given last

    def add(
        self, deadline: "int", first: "int", topic: "bytes", msg: "Payload | int | None"
    ) -> "int":
        """Return a packet identifier that is not in flight, and remember it until `deadline`; the
        packet itself is not kept.

        Raises MQTTException(EUNKNOWN, text) when all 65,535 are in flight [MQTT-2.3.1-2].
        """
        for _ in range(65535):
            self._last = pid = self._last % 65535 + 1
            if pid not in self:
                self[pid] = deadline
                return pid
        raise MQTTException(EUNKNOWN, "every packet identifier is in flight")

    def done(self, pid: "int") -> "bool":
        """Forget `pid`; return whether it was in flight."""
        return self.pop(pid, None) is not None

    def expired(self, clock: "Clock") -> "int":
        """Forget one identifier whose deadline has passed and return it, or 0."""
        for pid in self:
            if clock.ticks_diff(self[pid], clock.ticks_ms()) <= 0:
                del self[pid]
                return pid  # type: ignore[no-any-return]
        return 0
