"""A session store that keeps messages in RAM until they are delivered, and subscriptions."""

from ..constants import FIVE, STREAMING, STRICT
from ..errno import (
    EFULL,
    SDELIVERED,
    SFAILED,
    SREJECTED,
    STIMEOUT,
    SUNKNOWNPID,
    MQTTException,
)
from ..packets.fields import (
    DUP,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    SUBSCRIBE,
    UNSUBACK,
    UNSUBSCRIBE,
    check_count,
)
from .received_ids import look_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..cpython.contracts import Packet

# A message is a list:
PID = 0
FIRST = 1  # the first byte of its PUBLISH
TOPIC = 2
MSG = 3
AWAITS = 4  # the acknowledgement that comes next; 0 at QoS 0
LEFT = 5  # time for it, in units of 64 ms; over without a consequence for a message before its PUBREC
TRIES = 6  # how often PUBREL was not answered

# A topic filter is one, too, with PID (0: nothing is asked of the broker), FIRST (SUBSCRIBE or UNSUBSCRIBE: the
# last wish), TOPIC, LEFT, and
QOS = 3  # the QoS of the last wish
SENT = 4  # the wish as it was sent, see _wish; 0 when it is unsent
ASKED = 6  # the program waits for a status
GRANTED = 7  # the QoS of the subscription that the broker has confirmed, -1 for none

# What `log` is told.
DONE = 4
RECEIVED = 5
DELIVERED = 6
RELEASED = 7
FORGOTTEN = 8
SUBSCRIPTION = 9

NEW = (2, 4)  # QoS 1 or 2, and no DUP
CAREFUL = 2  # connections that ended with the same packet as the oldest unanswered: it is sent alone then
CLOSED = 4  # points for such a connection after that which the broker has closed; 1 for one that was reset SOON
REJECTED = 20  # points, without a connection between that ended in another way
SOON = 16  # units of time after the packet was sent
UNANSWERED = 5  # PUBRELs
FRESH = 1 << 28  # in LEFT: its time begins with the next look, whenever the last one was


class MemorySession:
    """Keeps messages at QoS 1 and 2 whole until they are acknowledged, sends them again after a
    reconnect, and renews subscriptions when the broker has forgotten them [4.4].

    It is for one client. After a reset it is empty; what the broker remembers may then be taken for new
    messages at QoS 2, unless they begin at another identifier.

    For each topic filter there is one entry, and the last wish wins. Requests for one filter that overlap have one
    identifier and one status. Requests go before messages.

    A packet that makes the broker close stands in the way of all others. After two connections that ended with the
    same packet as the oldest unanswered, whoever ended them, it is sent alone: so no other is blamed. (Not a PUBREL:
    to blame it does no harm, as the broker has its message, and others need not wait for it. Where the broker forgets
    the session, it is not to blame.) When the broker closes five more of them, one after the other, the packet gets
    the status SREJECTED and is forgotten. A broker that closes before it has read all of a message, because it is too
    large, makes TCP reset the connection, which looks like a fault of the network. But the network does not do so time
    and again just when a message was sent: 20 resets within a second after that, one after the other, count as much.
    When a connection lasts for `message_timeout` without an answer, that packet is not why the broker closes, and the
    others follow.

    A message that the broker has confirmed with PUBREC and then answers no more is SDELIVERED after five tries.
    """

    max_qos = 2
    streams = True
    keeps = True
    has_unsent = False
    status = STIMEOUT
    _identity = 0  # of the message that `is_new` has seen last

    def __init__(self, limit: "int" = 20, last: "int" = 0, window: "int" = 20) -> "None":
        """
        limit   how many messages it keeps at the most
        last    the packet identifiers begin after this one
        window  how many of them are in flight at the most: brokers drop what is more than theirs,
                as a rule 20

        Raises ValueError for a limit or window that is not an int from 1.
        """
        if STRICT:
            check_count(limit, "limit")
            check_count(window, "window")
        self.limit = limit
        self.window = window
        if FIVE:
            self.own_window = window
        self.messages: "list[list[Any]]" = []  # in the order in which they were added
        self.sent_messages = 0  # so many of them, the first ones, were sent on this connection
        self.filters: "list[list[Any]]" = []
        self.received: "dict[int, int]" = {}
        self.last = last  # the identifier that was given last
        self._packet: "list[Any]" = [0, 0, b"", b""]  # what `unsent` returns; PID is 0 when it is not being sent
        self._filter: "list[Any] | None" = None  # the topic filter that it is about
        self._release = 0  # the identifier of a PUBREL to send again
        self._since: "int | None" = None  # up to when LEFT is counted; None while not connected
        self._timeout = 156  # the program's last one
        self._suspect = 0  # the oldest identifier that was unanswered when the last connection ended
        self._ends = 0  # how many ended like that, one after the other
        self._closes = 0  # points for the last of them, with that packet sent alone

    # --- What the program asks for -------------------------------------------------------------------

    def add(self, first: "int", topic: "bytes", msg: "Any", now: "int", timeout: "int") -> "int":
        """Keep a message or a wish and return its identifier.

        Raises MQTTException(EFULL) when there are `limit` messages.
        """
        self._timeout = timeout
        if first & 0xF0 != PUBLISH:
            if self._since is not None:
                timeout += now - self._since
            return self._wish_for(first, topic, msg, timeout)
        if len(self.messages) >= self.limit:
            raise MQTTException(EFULL, "the session store is full")
        if not (isinstance(msg, bytes) or (STREAMING and hasattr(msg, "rewind"))):
            msg = bytes(msg)  # the program may change its own
        pid = self._new_pid()
        self.has_unsent = True
        self.messages.append([pid, first, topic, msg, awaits_of(first), 0, 0])
        return pid

    def remove(self, pid: "int") -> "bool":
        """Forget a message or a wish; return whether it was there. There will be no status."""
        i = self.find(pid)
        if i >= 0:
            self.log(DONE, pid)
            self._pop(i)
            return True
        entry = self._find_filter(pid)
        if entry:
            self._give_up(entry)
        return entry is not None

    def pids(self) -> "list[int]":
        """Return the identifiers of the messages that are kept, in their order."""
        return [message[PID] for message in self.messages]

    def waiting(self) -> "int":
        """Return how many messages are kept."""
        return len(self.messages)

    @property
    def subscriptions(self) -> "dict[bytes, int]":
        """The topic filters that the broker has confirmed, each with its QoS."""
        return {entry[TOPIC]: entry[GRANTED] for entry in self.filters if entry[GRANTED] >= 0}

    def set_subscription(self, topic: "bytes", qos: "int") -> "None":
        """Take a subscription for confirmed, with its QoS, or for gone when that is -1; nothing is sent."""
        for entry in self.filters:
            if entry[TOPIC] == topic:
                self._answered(entry[PID])
                self.filters.remove(entry)
                break
        if qos >= 0:
            self.filters.append([0, SUBSCRIBE, topic, qos, 0, 0, False, qos])

    # --- What the broker says ------------------------------------------------------------------------

    def on_packet(self, first: "int", pid: "int", code: "int") -> "int | None":
        """Process an acknowledgement; return the status of `pid`, the packet to answer with, or None."""
        if first == PUBREL:
            if pid in self.received:
                self.log(RELEASED, pid)
                del self.received[pid]
            return PUBCOMP
        i = self.find(pid)
        if i < 0:
            return self._on_request(first, pid, code)
        message = self.messages[i]
        awaits = message[AWAITS]
        if first == PUBREC and awaits in (PUBREC, PUBCOMP):
            if awaits == PUBREC:
                self.log(RECEIVED, pid)
                message[AWAITS] = PUBCOMP
                message[LEFT] = self._timeout + FRESH
                if pid == self._suspect:
                    self.has_unsent = True  # the others need not wait any more
                if i >= self.sent_messages:  # a broker that answers before it was asked again
                    self.messages.insert(self.sent_messages, self.messages.pop(i))
                    self.sent_messages += 1
            return PUBREL
        # A broker without QoS 2 answers with PUBACK: it has the message, and sends no PUBREC.
        if first != awaits and (first != PUBACK or awaits != PUBREC):
            return SUNKNOWNPID
        self.log(DONE, pid)
        self._pop(i)
        return SDELIVERED

    def is_new(self, pid: "int", topic: "bytes | None", payload: "bytes | None", size: "int" = 0) -> "bool":
        """Return whether a message at QoS 2 has not come before."""
        self._identity, last = look_up(self.received, pid, topic, payload, size)
        return last != self._identity

    def mark_received(self, pid: "int") -> "None":
        """The program has the message that `is_new` was asked about."""
        if pid in self.received:
            self.received[pid] = self._identity
            self.log(DELIVERED, pid)

    def _on_request(self, first: "int", pid: "int", code: "int") -> "int | None":
        entry = self._find_filter(pid)
        if not entry:
            # PUBREC for a message that is not known any more: let the broker finish.
            return PUBREL if first == PUBREC else SUNKNOWNPID
        sent = entry[SENT]
        if first != (UNSUBACK if sent & 255 == UNSUBSCRIBE else SUBACK) or not sent:
            return SUNKNOWNPID
        refused = first == SUBACK and code > 2
        granted = entry[GRANTED]
        entry[GRANTED] = sent >> 8 if first == SUBACK and not refused else -1
        if granted != entry[GRANTED]:
            try:
                self.log(SUBSCRIPTION, entry[GRANTED] + 1, entry[TOPIC])
            except BaseException:
                entry[GRANTED] = granted
                raise
        entry[SENT] = 0
        self._answered(pid)
        if sent != _wish(entry):
            return None  # the program has changed its mind since
        asked = entry[ASKED]
        self._settle(entry)
        if refused:
            return SFAILED
        return SDELIVERED if asked else None

    # --- Sending -------------------------------------------------------------------------------------

    def unsent(self) -> "Packet | None":
        """Return what is to be sent next; None when there is nothing, or nothing may be sent now: before the CONNACK
        only what was never sent."""
        careful = self._ends >= CAREFUL
        if careful:
            i = self.find(self._suspect)
            careful = i < 0 or self.messages[i][AWAITS] != PUBCOMP
        early = self._since is None
        packet = self._packet
        self._filter = None
        if self._closes >= REJECTED:
            self.has_unsent = False
            return None  # until `expired` has said so
        if early and self._suspect:
            return None  # what may be why no CONNACK came waits for one
        if self._release:
            packet[PID] = self._release
            packet[FIRST] = PUBREL
            return packet
        for entry in self.filters:
            if entry[SENT]:
                continue
            if entry[PID] and (not careful or entry[PID] == self._suspect):
                self._filter = entry
                packet[:] = entry[: QOS + 1]  # they begin with the same
                return packet
            if early:
                return None  # the broker may have forgotten it, and requests go first
        i = self.sent_messages
        if i < len(self.messages) and i < self.window:
            message = self.messages[i]
            may_go = not careful or message[PID] == self._suspect
            if early:
                may_go = message[FIRST] & (DUP | 6) in NEW
            if may_go:
                packet[PID] = message[PID]
                packet[FIRST] = message[FIRST] if message[AWAITS] != PUBCOMP else PUBREL
                packet[TOPIC] = message[TOPIC]
                packet[MSG] = message[MSG]
                return packet
        self.has_unsent = False
        packet[MSG] = b""
        return None

    def sent(self) -> "None":
        """What `unsent` returned was handed to the transport."""
        self._packet[PID] = 0
        if self._release:
            self._release = 0
            return
        entry = self._filter
        if entry:
            entry[SENT] = _wish(entry)
            if not entry[ASKED]:
                entry[LEFT] = self._timeout + FRESH
            return
        message = self.messages[self.sent_messages]
        if message[AWAITS]:
            message[LEFT] = self._timeout + FRESH
            self.sent_messages += 1
        else:
            self.log(DONE, message[PID])
            self._pop(self.sent_messages)

    # --- What time brings ----------------------------------------------------------------------------

    def expired(self, now: "int") -> "int":
        """Return one identifier that gets a `status` because of the time, or because the broker has closed too
        often; 0 when there is none."""
        if self._closes >= REJECTED:
            pid = self._suspect
            i = self.find(pid)
            self.status = SDELIVERED if i >= 0 and self.messages[i][AWAITS] == PUBCOMP else SREJECTED
            self.remove(pid)
            return pid
        passed = 0 if self._since is None else now - self._since
        self._since = now
        for entry in self.filters:
            if not entry[SENT]:
                entry[LEFT] |= FRESH
            elif passed:
                entry[LEFT] -= FRESH if entry[LEFT] >= FRESH else passed
        if passed:
            for i in range(self.sent_messages):
                message = self.messages[i]
                message[LEFT] -= FRESH if message[LEFT] > FRESH else passed
        for entry in self.filters:
            pid = entry[PID]
            if pid and entry[LEFT] <= 0:
                if entry[ASKED]:
                    self._give_up(entry)
                    self.status = STIMEOUT
                    return pid  # type: ignore[no-any-return]
                if pid == self._suspect:
                    self._answered(pid)
        return self._unanswered()

    def _unanswered(self) -> "int":
        # Look at the PUBRELs that were not answered, and at a suspect that was not.
        for i in range(self.sent_messages):
            message = self.messages[i]
            if message[LEFT] > 0:
                continue
            pid: "int" = message[PID]
            if pid == self._suspect:
                self._answered(pid)
            if message[AWAITS] == PUBCOMP and not self._release:
                message[LEFT] = self._timeout
                message[TRIES] += 1
                if message[TRIES] >= UNANSWERED:
                    self.log(DONE, pid)
                    self._pop(i)
                    self.status = SDELIVERED
                    return pid
                self._release = pid
                self.has_unsent = True
        return 0

    # --- Connections ---------------------------------------------------------------------------------

    def resume(self, present: "bool", uncertain: "bool", now: "int") -> "None":
        """A connection begins. What was sent before is new to a broker that has forgotten the session."""
        if not present:
            if self.received or PUBCOMP in [message[AWAITS] for message in self.messages]:
                self.log(FORGOTTEN, 0)
            self.received.clear()
            for message in self.messages:
                if message[AWAITS] == PUBCOMP:
                    self._closes = 0  # others were sent beside its PUBREL: it may not be why the broker closed
                message[FIRST] = first = message[FIRST] & ~DUP
                message[AWAITS] = awaits_of(first)
        for entry in self.filters:
            if not entry[PID] and (uncertain or not present):
                entry[PID] = self._new_pid()
        self._since = now
        self.has_unsent = True

    def on_close(self, by_broker: "bool | None") -> "None":
        """A connection has ended: the broker has closed it (True), the program (None), or it was cut. All is
        unsent again."""
        self._since = None
        points = CLOSED if by_broker else 0
        for entry in self.filters:
            pid = entry[PID]
            if pid and entry[SENT]:
                break
        else:
            pid = self._packet[PID]  # is being sent
            soon = True
            if self.sent_messages:
                message = self.messages[0]
                pid = message[PID]
                soon = message[LEFT] > self._timeout - SOON
            points = points or soon  # True is 1
        if pid:
            if pid != self._suspect:
                self._suspect = pid
                self._ends = self._closes = 0
            if by_broker is not None:
                self._ends += 1
                self._closes = self._closes + points if points and self._ends > CAREFUL else 0
        for i in range(self.sent_messages):
            self.messages[i][FIRST] |= DUP
        for entry in self.filters:
            entry[SENT] = 0
        self.sent_messages = self._release = self._packet[PID] = 0

    def log(self, kind: "int", pid: "int", topic: "bytes" = b"") -> "None":
        """Something has changed: `kind` is one of the constants above. For a store that writes it down; this one
        does not. What is raised ends the connection."""

    # --- Messages and topic filters ------------------------------------------------------------------

    def _pop(self, i: "int") -> "None":
        pid = self.messages.pop(i)[PID]
        if i < self.sent_messages:
            self.sent_messages -= 1
        # Nothing is to be sent after most acknowledgements: then nobody need ask.
        unsent = self.has_unsent or pid == self._suspect or len(self.messages) > self.sent_messages
        self._answered(pid)
        self.has_unsent = unsent

    def _answered(self, pid: "int") -> "None":
        # Nothing stands in the way any more.
        self._packet[PID] = 0
        if pid == self._release:
            self._release = 0
        if pid == self._suspect:
            self._suspect = self._ends = self._closes = 0
        self.has_unsent = True

    def find(self, pid: "int") -> "int":
        """Return the index of a message in `messages`, -1 when there is none."""
        for i in range(len(self.messages)):
            if self.messages[i][PID] == pid:
                return i
        return -1

    def _find_filter(self, pid: "int") -> "list[Any] | None":
        for entry in self.filters:
            if entry[PID] == pid:
                return entry
        return None

    def _new_pid(self) -> "int":
        pid = self.last
        while True:
            pid = pid % 65535 + 1
            if self.find(pid) < 0 and not self._find_filter(pid):
                self.last = pid
                return pid

    def _wish_for(self, first: "int", topic: "bytes", qos: "int", left: "int") -> "int":
        for entry in self.filters:
            if entry[TOPIC] == topic:
                break
        else:
            entry = [0, first, topic, qos, 0, 0, False, -1]
            self.filters.append(entry)
        if not entry[PID]:
            entry[PID] = self._new_pid()
        entry[FIRST] = first
        entry[QOS] = qos
        entry[LEFT] = left
        entry[ASKED] = True
        self.has_unsent = True
        return entry[PID]  # type: ignore[no-any-return]

    def _give_up(self, entry: "list[Any]") -> "None":
        # The last wish is not fulfilled.
        self._answered(entry[PID])
        self._settle(entry)

    def _settle(self, entry: "list[Any]") -> "None":
        # Nothing is asked for a filter any more; what the broker has confirmed is the wish.
        if entry[GRANTED] < 0:
            self.filters.remove(entry)
        entry[PID] = entry[SENT] = 0
        entry[ASKED] = False
        entry[FIRST] = SUBSCRIBE
        entry[QOS] = entry[GRANTED]


def awaits_of(first: "int") -> "int":
    # The acknowledgement of a PUBLISH.
    return PUBREC if first & 4 else PUBACK if first & 2 else 0


def _wish(entry: "list[Any]") -> "int":
    return entry[QOS] << 8 | entry[FIRST]  # type: ignore[no-any-return]
