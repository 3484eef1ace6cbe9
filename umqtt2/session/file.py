"""A session store that keeps messages in a file until they are delivered, also through a loss of power."""

try:
    from ..cpython import gc
except ImportError:
    import gc  # type: ignore[no-redef]

from ..constants import CHECKS
from ..errno import ESTORE, MQTTException
from ..packets.fields import DUP, PUBCOMP, PUBLISH, PUBREL, SUBSCRIBE, UNSUBSCRIBE
from .journal import Journal
from .memory import (
    AWAITS,
    DELIVERED,
    DONE,
    FIRST,
    FORGOTTEN,
    GRANTED,
    MSG,
    PID,
    RECEIVED,
    RELEASED,
    SUBSCRIPTION,
    TOPIC,
    MemorySession,
    awaits_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

    from ..cpython.contracts import Packet

GROWTH = 4096  # bytes that are written, besides as many as there are, before the file is rewritten
UNREADABLE = 1000  # attempts to read a message, one every 64 ms, after which it is lost
FAILURES = (OSError, MemoryError)  # of what is tried again later


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
    payload; QoS 2 three, 39 bytes and those; one that arrives at QoS 2 two, 32 bytes; a subscription one,
    when it changes. Each is synced. When the file has doubled and grown by 4 KB, and half of its records
    count no more, the others are copied to a second file: have three times the room of what may wait.

    When it cannot be written that something is done, that is kept in RAM and written later: after a loss of
    power before that, a message may be sent once more. That the broker has released a message at QoS 2 is
    written before it is confirmed. When it cannot be written, it is not confirmed, and after
    `message_timeout` the connection ends with MQTTException(ESTORE, number of the OSError), so that the
    broker asks again. A message that cannot be read for a minute, while connected, is lost. A file system
    that loses what was synced, such as FAT on bare flash when the power fails while a block is erased, loses
    it here too.
    """

    streams = False  # a payload is bytes

    def __init__(self, path: "str", limit: "int" = 50, window: "int" = 20) -> "None":
        """
        path    the file, which is two, in turn: `path`.0 and `path`.1; for this session alone
        limit   how many messages it keeps at the most
        window  how many of them are in flight at the most, as for MemorySession

        Raises OSError when there is a file that cannot be opened, and ValueError for a limit or window that is not an
        int from 1.
        """
        if CHECKS and not isinstance(path, str):
            raise TypeError("path: not a str but %s" % type(path).__name__)
        super().__init__(limit, 0, window)
        self.lost = 0
        self._records = 0  # in the file
        self._failures = 0  # of reading the next message, one after the other
        self._failed_at: "int | None" = None  # when the last one was, as `_since`
        self._retry_at: "int | None" = None  # when the connection ends, for the broker to repeat PUBREL
        self._errno = 0  # why
        self._loading = True
        self._journal = Journal(path)
        # True when there is no good file that says what is in RAM.
        self._file_stale = not self._journal.load(self._replay)
        self._loading = False
        for entry in self.filters:  # what the broker has of them is not known: they are renewed, with the CONNECT
            entry[PID] = self._new_pid()
        # The length at which it is looked how many records still count.
        self._next_check = 2 * self._journal.base + GROWTH
        if self.lost:
            self._print_lost()
        if self._file_stale:
            try:
                self._rewrite()
            except OSError as error:
                print("umqtt2: %s cannot be written: %s" % (path, error))

    def close(self) -> "None":
        """Close the file. What needs it opens it again."""
        self._journal.close()

    def add(self, first: "int", topic: "bytes", msg: "Any", now: "int", timeout: "int") -> "int":
        """Keep a message or a wish and return its identifier; a message goes to the file.

        Raises MQTTException(EFULL) when there are `limit` messages, MQTTException(ESTORE, number of the
        OSError) when the file cannot be written.
        """
        pid = super().add(first, topic, msg, now, timeout)
        if first & 0xF0 == PUBLISH:
            message = self.messages[-1]
            try:
                message[TOPIC] = self._write(first, pid, topic, message[MSG])
                message[MSG] = b""
            except BaseException as error:
                self.remove(pid)  # in the place of what may have been written of it
                if isinstance(error, OSError):
                    raise MQTTException(ESTORE, _number(error))
                raise
        return pid

    def unsent(self) -> "Packet | None":
        """Return what is to be sent next: packet identifier, first byte, topic, payload; or None, also when
        the file cannot be read now."""
        while True:
            packet: "Any" = super().unsent()
            if not packet or packet[FIRST] in (PUBREL, SUBSCRIBE, UNSUBSCRIBE):
                return packet  # type: ignore[no-any-return]
            body = None
            try:
                body = self._journal.read(packet[TOPIC])
            except FAILURES:
                if self._failed_at != self._since:
                    self._failed_at = self._since
                    self._failures += 1
                if self._failures < UNREADABLE:
                    return None
            self._failures = 0
            if body:
                packet[TOPIC], packet[MSG] = body
                return packet  # type: ignore[no-any-return]
            self.lost += 1
            self._print_lost()
            self.remove(packet[PID])

    def on_packet(self, first: "int", pid: "int", code: "int") -> "int | None":
        """Process an acknowledgement; return the status of `pid`, the packet to answer with, or None."""
        if first != PUBREL:
            return super().on_packet(first, pid, code)
        known = self.received.pop(pid, None)
        if known is not None:
            try:
                self._write(RELEASED, pid)
            except BaseException as error:
                self.received[pid] = known
                self._file_stale = True
                if not isinstance(error, FAILURES):
                    raise
                if self._retry_at is None:
                    self._retry_at = (self._since or 0) + self._timeout
                    self._errno = _number(error)
                return None
        return PUBCOMP

    def expired(self, now: "int") -> "int":
        """As MemorySession's. Raises MQTTException(ESTORE, number of the OSError) when a PUBREL could not be
        confirmed for too long."""
        if self._retry_at is not None and now >= self._retry_at:
            raise MQTTException(ESTORE, self._errno)
        return super().expired(now)

    def on_close(self, by_broker: "bool | None") -> "None":
        """A connection has ended: the broker has closed it (True), the program (None), or it was cut."""
        self._retry_at = None
        super().on_close(by_broker)

    def log(self, kind: "int", pid: "int", topic: "bytes" = b"") -> "None":
        """Write what has changed or, where that cannot be written now, all that is in RAM later."""
        if not self._loading:
            try:
                if kind == DELIVERED:
                    topic = self.received[pid].to_bytes(4, "big")
                self._write(kind, pid, topic)
            except FAILURES:
                self._file_stale = True

    def _print_lost(self) -> "None":
        print("umqtt2: session, places lost:", self.lost)

    def _replay(self, kind: "int", pid: "int", at: "int") -> "None":
        # Do once more what a record of the file says.
        self._records += 1
        i = self.find(pid)
        if kind & 0xF0 == PUBLISH:
            gc.collect()  # or what stays would lie between the garbage of loading
            self.remove(pid)  # what it had been used for before is done, if damage has not hidden that
            dup = DUP if kind & 6 else 0  # it was sent, as far as we know
            self.messages.append([pid, kind | dup, at, b"", awaits_of(kind), 0, 0])
            self.last = pid
        elif kind == DONE:
            self.remove(pid)
        elif kind == RECEIVED:
            if i >= 0 and self.messages[i][FIRST] & 4:
                self.messages[i][AWAITS] = PUBCOMP
        elif kind == DELIVERED:
            body = self._journal.read(at)
            self.received[pid] = int.from_bytes(body[0] if body else b"", "big") & 0x3FFFFFFF | 1
        elif kind == RELEASED:
            self.received.pop(pid, None)
        elif kind == FORGOTTEN:
            self.received.clear()
            for message in self.messages:
                message[AWAITS] = awaits_of(message[FIRST])
        elif kind == SUBSCRIPTION:
            body = self._journal.read(at)
            if body and body[0]:
                self.set_subscription(body[0], pid - 1)
            else:
                self.lost += 1
        else:
            self.lost += 1
            self.last = self.last % 65535 + 1  # what is lost had an identifier, which the broker may know

    def _state(self) -> "Iterator[tuple[int, int, bytes | int]]":
        # All that is in RAM, as records.
        for message in self.messages:
            if isinstance(message[TOPIC], int):  # else it is being added
                yield message[FIRST], message[PID], message[TOPIC]
        for message in self.messages:
            if message[AWAITS] == PUBCOMP:
                yield RECEIVED, message[PID], b""
        for pid in self.received:
            if self.received[pid]:
                yield DELIVERED, pid, self.received[pid].to_bytes(4, "big")
        for entry in self.filters:
            if entry[GRANTED] >= 0:
                yield SUBSCRIPTION, entry[GRANTED] + 1, entry[TOPIC]

    def _rewrite(self) -> "None":
        try:
            places = self._journal.rewrite(self._state())
        except OSError:
            for _ in self._state():
                raise
            # Nothing is lost with this file, and perhaps it is what fills the file system.
            self._journal.remove()
            places = self._journal.rewrite(self._state())
        i = 0
        for message in self.messages:
            if isinstance(message[TOPIC], int):
                message[TOPIC] = places[i]
                i += 1
        self._file_stale = False
        self._records = len(places)
        self._next_check = 2 * self._journal.base + GROWTH

    def _write(self, kind: "int", pid: "int", topic: "bytes" = b"", msg: "bytes" = b"") -> "int":
        journal = self._journal
        self._records += 1
        if self._file_stale:
            self._rewrite()
        if journal.end > self._next_check:
            self._next_check = journal.end + GROWTH
            try:
                if self._records > 2 * len(self.messages):
                    self._rewrite()
            except OSError:
                pass  # no room for two files, but there may be for a record
        try:
            return journal.append(kind, pid, topic, msg)
        except OSError:
            self._rewrite()
        return journal.append(kind, pid, topic, msg)


def _number(error: "BaseException") -> "int":
    # Of an OSError; 0 for want of memory.
    return error.args[0] if error.args else 0
