"""A session store that keeps messages in RAM until they are delivered."""

from ..errno import EFULL, EUNKNOWN, MQTTException
from .incoming import Incoming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..hosted.contracts import Clock, Payload

DUP = 8

# What is kept of a packet, a list:
PID = 0
FIRST = 1  # its first byte; 0 once PUBREC had come and PUBREL takes its place
TOPIC = 2  # None when a subscription was refused
MSG = 3  # payload; of a SUBSCRIBE its QoS, of an UNSUBSCRIBE None
DEADLINE = 4  # of a SUBSCRIBE or UNSUBSCRIBE
WAS = 5  # the first byte before it became 0; of a renewal True

SUBSCRIBE = 0x82


class MemorySession(Incoming):
    """Keeps messages at QoS 1 and 2 whole until they are acknowledged, sends them again after a
    reconnect, and renews subscriptions when the broker has forgotten them [4.4].

    It is for one client. After a reset it is empty; what the broker remembers may then be taken for new
    messages at QoS 2, unless they begin at another identifier.

    subscriptions  a dict from topic filter (bytes) to QoS, of those that were granted
    """

    streams = True  # a payload may be a stream

    def __init__(self, limit: "int" = 20, last: "int" = 0) -> "None":
        """
        limit  how many messages it keeps at the most
        last   the packet identifiers begin after this one
        """
        self.limit = limit
        self.subscriptions: "dict[bytes, int]" = {}
        self._kept: "list[list[Any]]" = []  # in the order in which it was added
        self._messages = 0  # how many of them are messages
        self._next = 0  # index of the first that was not sent on this connection
        self._last = last  # the identifier that was given last

    def add(
        self, deadline: "int", first: "int", topic: "bytes", msg: "Payload | int | None"
    ) -> "int":
        """Keep a packet and return its identifier.

        Raises MQTTException(EFULL) when there are `limit` messages.
        """
        if not _is_request(msg):
            if self._messages >= self.limit:
                raise MQTTException(EFULL, "the session store is full")
            if not (isinstance(msg, bytes) or hasattr(msg, "send")):
                msg = bytes(msg)  # type: ignore[arg-type]  # the program may change its own
        pid = self._free()
        self._append([pid, first, topic, msg, deadline, 0])
        return pid

    def done(self, pid: "int") -> "bool":
        """Forget `pid`; return whether it was in flight."""
        i = self._find(pid)
        if i < 0:
            return False
        packet = self._kept.pop(i)
        if i < self._next:
            self._next -= 1
        msg = packet[MSG]
        topic = packet[TOPIC]
        if not _is_request(msg):
            self._messages -= 1
        elif msg is None:
            self.subscriptions.pop(topic, None)
        elif topic is not None:
            self.subscriptions[topic] = msg
        return True

    def expired(self, clock: "Clock") -> "int":
        """Forget one SUBSCRIBE or UNSUBSCRIBE whose deadline has passed and return it, or 0."""
        if len(self._kept) > self._messages:
            for i in range(self._next):
                packet = self._kept[i]
                if (
                    _is_request(packet[MSG])
                    and not packet[WAS]  # a renewal is tried again with the next connection
                    and clock.ticks_diff(packet[DEADLINE], clock.ticks_ms()) <= 0
                ):
                    packet[TOPIC] = None
                    self.done(packet[PID])
                    return packet[PID]  # type: ignore[no-any-return]
        return 0

    def clear(self) -> "None":
        """Messages are sent again in a clean session too, as new ones: nothing is forgotten here."""

    # --- QoS 2 ---------------------------------------------------------------------------------------

    def received(self, pid: "int") -> "bool":
        """PUBREC came: the client now sends PUBREL, and from here on nothing else is sent for `pid`."""
        i = self._find(pid)
        if i < 0 or _is_request(self._kept[i][MSG]):
            return False
        packet = self._kept[i]
        if packet[FIRST] & 4:  # QoS 2
            packet[WAS] = packet[FIRST]
            packet[FIRST] = 0
        if i >= self._next:  # a broker that answers before it was asked again
            self._kept.insert(self._next, self._kept.pop(i))
            self._next += 1
        return True

    # --- Sending again -------------------------------------------------------------------------------

    def resume(self, present: "bool") -> "None":
        """A connection begins: all is unsent again, as new when the broker has forgotten the session."""
        super().resume(present)
        for i, packet in enumerate(self._kept):
            first = packet[FIRST]
            if _is_request(packet[MSG]):
                continue
            if not present:
                packet[FIRST] = (first or packet[WAS]) & ~DUP
            elif first & 6 and i < self._next:
                packet[FIRST] = first | DUP
        self._next = 0
        if not present:
            self.renew()

    def renew(self) -> "None":
        """The broker may not know the subscriptions: ask for them again."""
        asked = [packet[TOPIC] for packet in self._kept if _is_request(packet[MSG])]
        for topic in self.subscriptions:
            if topic not in asked:
                self._kept.insert(0, [self._free(), SUBSCRIBE, topic, self.subscriptions[topic], 0, True])

    def unsent(self) -> "list[Any] | None":
        """Return what is to be sent next: packet identifier, first byte, topic, payload; or None."""
        return self._kept[self._next] if self._next < len(self._kept) else None

    def replace(self, first: "int", topic: "bytes", qos: "int | None") -> "int":
        """Put a SUBSCRIBE or UNSUBSCRIBE in the place of one for the same filter that is unsent, and return
        its identifier; 0 when there is none."""
        for i in range(self._next, len(self._kept)):
            packet = self._kept[i]
            if _is_request(packet[MSG]) and packet[TOPIC] == topic:
                packet[FIRST] = first
                packet[MSG] = qos
                packet[WAS] = 0
                return packet[PID]  # type: ignore[no-any-return]
        return 0

    def sent(self, pid: "int", deadline: "int") -> "None":
        """What `unsent` returned was sent; a SUBSCRIBE or UNSUBSCRIBE waits until `deadline`."""
        self._kept[self._next][DEADLINE] = deadline
        self._next += 1

    def renewed(self, pid: "int") -> "bool":
        """Return whether `pid` is that of a SUBSCRIBE that the program did not ask for."""
        i = self._find(pid)
        return i >= 0 and self._kept[i][WAS] is True

    def refused(self, pid: "int") -> "None":
        """The broker has refused the subscription `pid`, or it could not be sent."""
        i = self._find(pid)
        if i >= 0 and _is_request(self._kept[i][MSG]):
            if self._kept[i][WAS]:
                self.subscriptions.pop(self._kept[i][TOPIC], None)
            self._kept[i][TOPIC] = None

    def waiting(self) -> "int":
        """Return how many messages it keeps."""
        return self._messages

    def _append(self, packet: "list[Any]") -> "None":
        self._kept.append(packet)
        if not _is_request(packet[MSG]):
            self._messages += 1

    def _find(self, pid: "int") -> "int":
        for i in range(len(self._kept)):
            if self._kept[i][PID] == pid:
                return i
        return -1

    def _free(self) -> "int":
        for _ in range(65535):
            self._last = self._last % 65535 + 1
            if self._find(self._last) < 0:
                return self._last
        raise MQTTException(EUNKNOWN, "every packet identifier is in flight")


def _is_request(msg: "object") -> "bool":
    # SUBSCRIBE and UNSUBSCRIBE, not PUBLISH.
    return msg is None or isinstance(msg, int)
