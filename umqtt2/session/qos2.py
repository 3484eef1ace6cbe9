"""The session store that a client has by default, where QoS 2 is there: identifiers, no messages."""

from ..errno import SDELIVERED, STIMEOUT, SUNKNOWNPID
from ..packets.fields import PUBACK, PUBCOMP, PUBREC, PUBREL
from .packet_ids import KIND, KIND_BITS, PacketIdSession
from .received_ids import look_up

AWAITS_PUBREC = PUBREC >> 4 & KIND
AWAITS_PUBCOMP = PUBCOMP >> 4 & KIND


class QoS2Session(PacketIdSession):
    """PacketIdSession with QoS 2 [4.3.3]: exactly once, as long as the broker keeps the session. What was in
    flight when a connection ended gets the status STIMEOUT, or SDELIVERED when the broker has it; nothing is
    sent again."""

    max_qos = 2
    _identity = 0  # of the message that `is_new` has seen last

    def __init__(self, window: "int" = 20, last: "int" = 0) -> "None":
        """The arguments are PacketIdSession's."""
        super().__init__(window, last)
        self.received: "dict[int, int]" = {}

    def on_packet(self, first: "int", pid: "int", code: "int") -> "int | None":
        """Process an acknowledgement; return the status of `pid`, or the packet to answer with."""
        if first == PUBREL:
            self.received.pop(pid, None)
            return PUBCOMP
        if first == PUBREC:
            awaits = self._in_flight.get(pid, AWAITS_PUBCOMP) & KIND
            if awaits == AWAITS_PUBREC:
                self._in_flight[pid] += AWAITS_PUBCOMP - AWAITS_PUBREC
            elif awaits != AWAITS_PUBCOMP:
                return SUNKNOWNPID
            return PUBREL
        if first == PUBACK and self._in_flight.get(pid, 0) & KIND == AWAITS_PUBREC:
            first = PUBREC  # a broker without QoS 2 has the message
        return super().on_packet(first, pid, code)

    def is_new(self, pid: "int", topic: "bytes | None", payload: "bytes | None", size: "int" = 0) -> "bool":
        """Return whether a message at QoS 2 has not come before."""
        self._identity, last = look_up(self.received, pid, topic, payload, size)
        return last != self._identity

    def expired(self, now: "int") -> "int":
        """Forget one identifier whose deadline has passed and return it, or 0."""
        pids = self._in_flight
        for pid in pids:
            if pids[pid] >> KIND_BITS <= now:
                # The broker has the message once PUBREC came.
                self.status = SDELIVERED if pids[pid] & KIND == AWAITS_PUBCOMP else STIMEOUT
                del pids[pid]
                return pid
        return 0

    def mark_received(self, pid: "int") -> "None":
        """The program has the message that `is_new` was asked about."""
        if pid in self.received:
            self.received[pid] = self._identity

    def resume(self, present: "bool", uncertain: "bool", now: "int") -> "None":
        """A connection begins: without the broker's session its identifiers mean nothing any more."""
        if not present:
            self.received.clear()
