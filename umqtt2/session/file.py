"""A session store that keeps messages in a file until they are delivered, also through a loss of power."""

try:
    from ..hosted import gc
except ImportError:
    import gc  # type: ignore[no-redef]

from ..errno import ESTORE, MQTTException
from .journal import Journal
from .memory import FIRST, MSG, PID, TOPIC, WAS, MemorySession, _is_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

# Kinds of record, besides the first byte of a message.
DONE = 4
RECEIVED = 5
DELIVERED = 6
RELEASED = 7
FORGOTTEN = 8  # the broker has not kept the session
SUBSCRIPTION = 9  # the identifier is its QoS + 1, or 0 when there is no more

MESSAGE = 0x30
BOUND = 4096  # bytes that are written, besides as many as there are, before the file is rewritten


class FileSession(MemorySession):
    """Does what MemorySession does, and has it all in a file: what `add` has accepted is sent, if need be
    after a reset or a loss of power, with DUP; so are subscriptions, and what arrived at QoS 2.

    lost  how many places in the file could not be read; a line says so. What was in them is lost, as a rule
          one message or one step of it; the others are not.

    `add` raises MQTTException(ESTORE, number of the OSError) when it cannot write a message; then that is not
    sent, not even after a loss of power. Requests are in RAM until they are acknowledged.

    Topics and payloads are in the file alone: in RAM a message takes 52 bytes (32-bit). They are read
    each time that they are sent.

    Flash: QoS 1 takes two writes (when it is accepted, when it is done), together 28 bytes and topic and
    payload; QoS 2 three, 39 bytes and those; one that arrives at QoS 2 two, 22 bytes; a subscription one,
    when it changes. Each is synced. When the file has doubled and grown by 4 KB, and half of its records
    count no more, the others are copied to a second file: have three times the room of what may wait.

    When it cannot be written that something is done, that is kept in RAM and written later: after a loss of
    power before that, a message may be sent once more. A file system that loses what was synced, such as FAT
    on bare flash when the power fails while a block is erased, loses it here too.
    """

    streams = False  # a payload is bytes

    def __init__(self, path: "str", limit: "int" = 50) -> "None":
        """
        path   the file, which is two, in turn: `path`.0 and `path`.1; for this session alone
        limit  how many messages it keeps at the most

        Raises OSError when there is a file that cannot be opened.
        """
        super().__init__(limit)
        self.lost = 0
        self._records = 0  # in the file
        self._journal = Journal(path)
        self._next = 1 << 29  # all was sent, as far as we know
        # True when there is no good file that says what is in RAM.
        self._behind = not self._journal.load(self._found)
        self._next = len(self._kept)
        # The length at which it is looked how many records still count.
        self._due = 2 * self._journal.base + BOUND
        if self.lost:
            self._say()
        if self._behind:
            try:
                self._rewrite()
            except OSError as error:
                print("umqtt2: the session's file cannot be written:", error)

    def done(self, pid: "int") -> "bool":
        """Forget `pid`; return whether it was in flight."""
        packet = self._packet(pid)
        if not packet:
            return False
        topic = packet[TOPIC]
        before = self.subscriptions.get(topic)
        super().done(pid)
        if _is_request(packet[MSG]):
            self._note_subscription(topic, before)
        else:
            self._note(DONE, pid)
        return True

    # --- QoS 2 ---------------------------------------------------------------------------------------

    def received(self, pid: "int") -> "bool":
        """PUBREC came."""
        packet = self._packet(pid)
        if not packet:
            return False
        first = packet[FIRST]
        known = super().received(pid)
        if first and not packet[FIRST]:
            self._note(RECEIVED, pid)
        return known

    def delivered(self, pid: "int") -> "None":
        """Remember an identifier."""
        super().delivered(pid)
        self._note(DELIVERED, pid)

    def released(self, pid: "int") -> "None":
        """Forget an identifier, which may be unknown."""
        if self.duplicate(pid):
            super().released(pid)
            self._note(RELEASED, pid)

    # --- Sending again -------------------------------------------------------------------------------

    def resume(self, present: "bool") -> "None":
        """A connection begins."""
        changes = not present and (self._delivered or not all([p[FIRST] for p in self._kept]))
        super().resume(present)
        if changes:
            self._note(FORGOTTEN, 0)

    def unsent(self) -> "Any":
        """Return what is to be sent next: packet identifier, first byte, topic, payload; or None, also when
        the file cannot be read now."""
        while True:
            packet = super().unsent()
            if not packet or _is_request(packet[MSG]) or not packet[FIRST]:
                return packet
            pid = packet[PID]
            try:
                body = self._journal.read(packet[TOPIC])
            except OSError:
                return None
            if body:
                return pid, packet[FIRST], body[0], body[1]
            self.lost += 1
            self._say()
            self.done(pid)

    def refused(self, pid: "int") -> "None":
        """The broker has refused the subscription `pid`, or it could not be sent."""
        packet = self._packet(pid)
        if packet:
            topic = packet[TOPIC]
            before = self.subscriptions.get(topic)
            super().refused(pid)
            self._note_subscription(topic, before)

    # --- The file ------------------------------------------------------------------------------------

    def _packet(self, pid: "int") -> "list[Any] | None":
        i = self._find(pid)
        return self._kept[i] if i >= 0 else None

    def _say(self) -> "None":
        print("umqtt2: session, places lost:", self.lost)

    def _append(self, packet: "list[Any]") -> "None":
        # `add` calls it: a message goes to the file, and in RAM there is its place.
        if not _is_request(packet[MSG]):
            try:
                packet[TOPIC] = self._write(packet[FIRST], packet[PID], packet[TOPIC], packet[MSG])
            except OSError as error:
                self._note(DONE, packet[PID])  # in the place of what may have been written of it
                raise MQTTException(ESTORE, error.args[0])
            packet[MSG] = b""
        super()._append(packet)

    def _found(self, kind: "int", pid: "int", at: "int") -> "None":
        # Do once more what a record of the file says.
        self._records += 1
        if kind & 0xF0 == MESSAGE:
            gc.collect()  # or what stays would lie between the garbage of loading
            super().done(pid)  # what it had been used for before is done, if damage has not hidden that
            super()._append([pid, kind, at, b"", 0, 0])
            self._last = pid
        elif kind == DONE:
            super().done(pid)
        elif kind == RECEIVED:
            super().received(pid)
        elif kind == DELIVERED:
            super().delivered(pid)
        elif kind == RELEASED:
            super().released(pid)
        elif kind == FORGOTTEN:
            self._delivered = ()
            for packet in self._kept:
                packet[FIRST] = packet[FIRST] or packet[WAS]
        elif kind == SUBSCRIPTION:
            body = self._journal.read(at)
            if not (body and body[0]):
                self.lost += 1
            elif pid:
                self.subscriptions[body[0]] = pid - 1
            else:
                self.subscriptions.pop(body[0], None)
        else:
            self.lost += 1
            self._last += 1  # what is lost had an identifier, which the broker may know

    def _state(self) -> "Iterator[tuple[int, int, bytes | int]]":
        # All that is in RAM, as records.
        for packet in self._kept:
            if not _is_request(packet[MSG]):
                yield packet[FIRST] or packet[WAS], packet[PID], packet[TOPIC]
        for packet in self._kept:
            if not packet[FIRST]:
                yield RECEIVED, packet[PID], b""
        for pid in self._delivered:
            yield DELIVERED, pid, b""
        for topic in self.subscriptions:
            yield SUBSCRIPTION, self.subscriptions[topic] + 1, topic

    def _rewrite(self) -> "None":
        try:
            places = self._journal.rewrite(self._state())
        except OSError:
            if self._messages:
                raise
            # Perhaps it is this very file, of which little counts, that fills the file system.
            self._journal.remove()
            places = self._journal.rewrite(self._state())
        i = 0
        for packet in self._kept:
            if not _is_request(packet[MSG]):
                packet[TOPIC] = places[i]
                i += 1
        self._behind = False
        self._records = len(places)
        self._due = 2 * self._journal.base + BOUND

    def _write(self, kind: "int", pid: "int", topic: "bytes" = b"", msg: "bytes" = b"") -> "int":
        journal = self._journal
        self._records += 1
        if self._behind:
            self._rewrite()
        if journal.end > self._due:
            self._due = journal.end + BOUND
            try:
                if self._records > 2 * self._messages:
                    self._rewrite()
            except OSError:
                pass  # no room for two files, but there may be for a record
        try:
            return journal.append(kind, pid, topic, msg)
        except OSError:
            self._rewrite()
        return journal.append(kind, pid, topic, msg)

    def _note(self, kind: "int", pid: "int", topic: "bytes" = b"") -> "None":
        # Write what may also be written later: it is in RAM, and with `_behind` all of that is written.
        try:
            self._write(kind, pid, topic)
        except (OSError, MemoryError):
            self._behind = True

    def _note_subscription(self, topic: "bytes", before: "int | None") -> "None":
        qos = self.subscriptions.get(topic)
        if qos != before:
            self._note(SUBSCRIPTION, 0 if qos is None else qos + 1, topic)
