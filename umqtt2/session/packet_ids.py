"""The smallest session store: packet identifiers and deadlines, no messages; QoS 0 and 1."""

from ..constants import FIVE, STORES
from ..errno import EFULL, SDELIVERED, SFAILED, STIMEOUT, SUNKNOWNPID, MQTTException, malformed
from ..packets.fields import SUBACK, SUBSCRIBE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..cpython.contracts import Packet

IDENTIFIERS = 65535
KIND = 7  # the part of what is remembered that says which acknowledgement comes next
KIND_BITS = 3
MESSAGE = 4  # in the kinds of PUBACK, PUBREC and PUBCOMP, and not in those of SUBACK and UNSUBACK


class PacketIdSession:
    """Remembers which packet identifiers are in flight, until when, and which acknowledgement may come next.
    See the contract in `umqtt2.session`.

    _in_flight  a dict from packet identifier to a number: the deadline, and in its lower three bits the type of the
                acknowledgement without its highest bit. A number takes no memory of its own
    """

    max_qos = 1
    streams = True
    keeps = False
    has_unsent = False
    status = STIMEOUT

    def __init__(self, window: "int" = 20, last: "int" = 0) -> "None":
        """
        window  how many messages may be in flight: brokers drop what is more than theirs, as a rule 20
        last    the packet identifiers begin after this one
        """
        self.window = window
        self._in_flight: "dict[int, int]" = {}
        if FIVE:
            self.own_window = window
        self._last = last  # the identifier that was given last
        if STORES:
            self._packet: "list[Any]" = [0, 0, None, None]  # what `unsent` returns

    def add(self, first: "int", topic: "bytes", msg: "Any", now: "int", timeout: "int") -> "int":
        """Return a packet identifier that is not in flight, and remember it [MQTT-2.3.1-2].

        Raises MQTTException(EFULL) when there are `window` of them; of requests, when there is no identifier left.
        One whose time is over makes room, without a status: a program that never looks may publish for ever.
        """
        pids = self._in_flight
        most = IDENTIFIERS
        if first < SUBSCRIBE:  # a message
            most = self.window
            timeout += len(msg) >> 9  # what is large takes its time to send: 8 bytes in a millisecond
        if len(pids) >= most and not self.expired(now) and self._is_full(most):
            raise MQTTException(EFULL, "too many messages in flight")
        pid = self._last % IDENTIFIERS + 1
        while pid in pids:
            pid = pid % IDENTIFIERS + 1
        # PUBACK is the type after PUBLISH, PUBREC the second; SUBACK and UNSUBACK follow their requests. All
        # have 1 in the place of a QoS but a message at QoS 2.
        pids[pid] = now + timeout << KIND_BITS | (first >> 4) + (first >> 1 & 3 if STORES else 1) & KIND
        self._last = pid
        if STORES:
            packet = self._packet
            packet[0] = pid
            packet[1] = first
            packet[2] = topic
            packet[3] = msg
            self.has_unsent = True
        return pid

    def _is_full(self, most: "int") -> "bool":
        # Requests take no place in the window.
        for pid in self._in_flight:
            if not self._in_flight[pid] & MESSAGE:
                most += 1
        return len(self._in_flight) >= min(most, IDENTIFIERS)

    def remove(self, pid: "int") -> "bool":
        """Forget `pid`; return whether it was in flight."""
        if STORES:
            self.sent()
        return self._in_flight.pop(pid, None) is not None

    def on_packet(self, first: "int", pid: "int", code: "int") -> "int | None":
        """Process an acknowledgement; return the status of `pid`."""
        if self._in_flight.get(pid, 0) & KIND != first >> 4 & KIND:
            return SUNKNOWNPID
        del self._in_flight[pid]
        return SFAILED if first == SUBACK and code > 2 else SDELIVERED

    def is_new(self, pid: "int", topic: "bytes | None", payload: "bytes | None", size: "int" = 0) -> "bool":
        """Raise: this store did not ask for QoS 2."""
        raise malformed("PUBLISH with a QoS that was not asked for")

    def mark_received(self, pid: "int") -> "None":
        """Never called."""

    def expired(self, now: "int") -> "int":
        """Forget one identifier whose deadline has passed and return it, or 0."""
        pids = self._in_flight
        for pid in pids:
            if pids[pid] >> KIND_BITS <= now:
                del pids[pid]
                return pid
        return 0

    def unsent(self) -> "Packet | None":
        """Return what `add` got, until it is sent."""
        return self._packet if self.has_unsent else None

    def sent(self) -> "None":
        """What `unsent` returned was sent; the message is not kept."""
        self.has_unsent = False
        self._packet[2] = self._packet[3] = None

    def resume(self, present: "bool", uncertain: "bool", now: "int") -> "None":
        """A connection begins."""
        if not STORES:
            self._expire()

    def on_close(self, by_broker: "bool | None") -> "None":
        """A connection has ended."""
        self.sent()
        self._expire()

    def _expire(self) -> "None":
        # The time of what was in flight when the last connection ended is over.
        for pid in self._in_flight:
            self._in_flight[pid] &= KIND
