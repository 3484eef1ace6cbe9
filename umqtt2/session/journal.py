"""Records in a file, which survive a loss of power at any instant."""

import os
from binascii import crc32
from struct import pack, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Callable, Iterable

MAGIC = b"MQJ1"  # and the version of what follows
HEADER = ">BHII"  # kind, packet identifier, length of the body, check
HEAD = 11  # bytes of it
RESIDUE = 0x2144DF1C  # the CRC-32 of anything followed by its own CRC-32
CHUNK = 128

# Kinds of record; those from 4 on are the caller's.
DAMAGED = 0
START = 1  # has no body, its length is the generation; so it is for END
END = 2
SKIP = 3  # its body is what was left of a record that could not be written

ABSENT = -(1 << 29)  # the ranks of a file that is not there, and of one without START and END
UNKNOWN = ABSENT + 1

ENOENT = 2
EIO = 5
ENOSPC = 28


class Journal:
    """Appends records to a file and reads them again.

    A file is MAGIC and records: a head with a check of its own, and for some a body: length of the
    topic, topic, message, CRC-32. The check of a head begins with its position, so what is stale, or looks
    like a record within a message, is none. From time to time the records that still count are copied to
    a new file, between START and END, and only then the old one is removed: of PATH.0 and PATH.1
    the one with END and the higher generation counts. Nothing is renamed. Methods raise OSError.
    """

    def __init__(self, path: "str") -> "None":
        self._path = path
        self._generation = 0
        # All are there from now on: to change one needs no memory then, at the end of `rewrite`.
        self.base = 0  # the length of the file when it was new
        self.end = 0  # where the next record will be
        self._file: "BinaryIO | None" = None
        self._writing = False  # whether _file was opened for writing
        self._doubtful = False  # another file may count more than this one

    def load(self, found: "Callable[[int, int, int], None]") -> "bool":
        """Call found(kind, pid, at) for each record, with DAMAGED for each place that cannot be read.

        Returns whether the file is good as it is; if not, it should be rewritten.
        """
        a = self._scan(0, None)
        b = self._scan(1, None)
        self._scan(0 if a > b else 1, found)
        return self._sound and min(a, b) == ABSENT

    def append(self, kind: "int", pid: "int", topic: "bytes" = b"", msg: "bytes" = b"") -> "int":
        """Write one record, with a body if there is a topic. Returns its position."""
        if self._doubtful:
            raise OSError(EIO)
        at = self.end
        record = _record(kind, pid, topic, msg, at)
        end = at + len(record)
        f = self._open(True)
        try:
            rest = f.seek(0, 2) - end
            if rest >= HEAD:
                record += _head(SKIP, 0, rest - HEAD, end)
                end += rest
            f.seek(at)
            _write(f, record)
            _sync(f)
        except OSError:
            self.close()  # what the file system remembers of it cannot be trusted
            raise
        self.end = end
        return at

    def read(self, at: "int") -> "tuple[bytes, bytes] | None":
        """Return topic and message of the record at a position, None when it is damaged."""
        size = self._size(at) - 6
        if size < 1:
            return None
        f = self._open(False)
        f.seek(at + HEAD)
        n = f.read(2)
        length = n[0] << 8 | n[1]
        if length > size:
            return None
        topic = f.read(length)
        msg = f.read(size - length)
        if crc32(f.read(4), crc32(msg, crc32(topic, crc32(n)))) != RESIDUE:
            return None
        return topic, msg

    def rewrite(self, records: "Iterable[tuple[int, int, bytes | int]]") -> "list[int]":
        """Go on in a new file that has these records alone.

        records: kind, packet identifier, and the topic or, for a body that is to be copied, its position

        Returns their positions.
        """
        generation = self._generation + 1
        places = []
        name = self._name(generation)
        new: "Any" = open(name, "w+b", 0)
        self._doubtful = True
        complete = False  # the new file may have its END
        try:
            _write(new, MAGIC + _head(START, 0, generation, len(MAGIC)))
            at = len(MAGIC) + HEAD
            for kind, pid, body in records:
                places.append(at)
                if isinstance(body, int):
                    size = self._size(body)
                    if size < 0:
                        # Damaged while running: a record without a body, whose reader finds none.
                        _write(new, _head(kind, pid, 0, at))
                        at += HEAD
                        continue
                    _write(new, _head(kind, pid, size, at))
                    at += HEAD + size
                    f = self._open(False)
                    f.seek(body + HEAD)
                    _crc(f, size, new)
                else:
                    record = _record(kind, pid, body, b"", at)
                    _write(new, record)
                    at += len(record)
            _sync(new)
            complete = True
            _write(new, _head(END, 0, generation, at))
            _sync(new)
        except BaseException:
            _close(new)
            try:
                os.remove(name)
                complete = False
            except OSError:
                pass  # if it has no END, it counts less than the other
            self._doubtful = complete
            raise
        self.remove()
        self._doubtful = False
        self._file = new
        self._writing = True
        self._generation = generation
        self.base = self.end = at + HEAD
        return places

    def remove(self) -> "None":
        """Remove the file, if it can be removed."""
        self.close()
        try:
            os.remove(self._name(self._generation))
        except OSError:
            pass

    def close(self) -> "None":
        """Close the file; what needs it opens it again."""
        f = self._file
        self._file = None
        if f:
            _close(f)

    def _name(self, generation: "int") -> "str":
        return "%s.%d" % (self._path, generation & 1)

    def _open(self, writing: "bool") -> "BinaryIO":
        # One handle for all: with two, what one has written the other may not see.
        if writing and not self._writing:
            self.close()
        f = self._file
        if not f:
            f = self._file = open(self._name(self._generation), "r+b" if writing else "rb", 0)
            self._writing = writing
        return f

    def _size(self, at: "int") -> "int":
        # The length of the body of the record at a position; -1 when its head is damaged, or the file ends
        # before it does.
        f = self._open(False)
        left = f.seek(0, 2) - at - HEAD
        f.seek(at)
        head = f.read(HEAD)
        if left < 0 or len(head) < HEAD:
            return -1
        _, _, size, check = unpack(HEADER, head)
        return size if crc32(head[:7], at) == check and size <= left else -1

    def _scan(self, n: "int", found: "Callable[[int, int, int], None] | None") -> "int":
        # Read the file PATH.n. Return its rank: its generation if it is complete, less than 1 if not, and
        # less for a younger one, which was being made from the other.
        self.close()
        self._generation = n
        self._sound = hole = False
        self.end = at = len(MAGIC)
        length = 0
        try:
            f = self._open(False)
        except OSError as error:
            if error.args[0] != ENOENT:
                raise
            return ABSENT
        rank = UNKNOWN
        try:
            length = f.seek(0, 2)
            self._sound = True
            while at + HEAD <= length:
                f.seek(at)
                head = f.read(HEAD)
                kind, pid, size, check = unpack(HEADER, head)
                edge = kind in (START, END)
                if crc32(head[:7], at) != check or edge and size & 1 != n:
                    # Look for the next record, byte by byte.
                    hole = True
                    at += 1
                    continue
                if hole:
                    hole = self._lost(found)
                if edge:
                    self._generation = size
                    self.base = at
                    rank = size if kind == END else -size
                    size = 0
                if at + HEAD + size > length:  # torn when it was written: it has not been accepted
                    break
                self._take(f, kind, pid, size, at, found)
                self.end = at = at + HEAD + size
        except OSError:
            hole = True
        if hole:
            self._lost(found)
        self._sound = self._sound and self.end == length
        return rank

    def _take(
        self,
        f: "BinaryIO",
        kind: "int",
        pid: "int",
        size: "int",
        at: "int",
        found: "Callable[[int, int, int], None] | None",
    ) -> "None":
        # A record whose head is good: its body may be damaged.
        if size and kind != SKIP and _crc(f, size) != RESIDUE:
            self._lost(found)
        elif found and kind > SKIP:
            found(kind, pid, at)

    def _lost(self, found: "Callable[[int, int, int], None] | None") -> "bool":
        self._sound = False
        if found:
            found(DAMAGED, 0, 0)
        return False


def _head(kind: "int", pid: "int", size: "int", at: "int") -> "bytes":
    head = pack(HEADER[:-1], kind, pid, size)
    return head + pack(">I", crc32(head, at))


def _record(kind: "int", pid: "int", topic: "bytes", msg: "bytes", at: "int") -> "bytes":
    if not topic:
        return _head(kind, pid, 0, at)
    n = pack(">H", len(topic))
    check = pack("<I", crc32(msg, crc32(topic, crc32(n))))
    return b"".join((_head(kind, pid, len(topic) + len(msg) + 6, at), n, topic, msg, check))


def _crc(f: "BinaryIO", size: "int", to: "BinaryIO | None" = None) -> "int":
    # Read so many bytes, write them to another file if there is one, return their CRC-32.
    crc = 0
    while size:
        chunk = f.read(min(size, CHUNK))
        if not chunk:
            raise OSError(EIO)
        if to:
            _write(to, chunk)
        crc = crc32(chunk, crc)
        size -= len(chunk)
    return crc


def _write(f: "BinaryIO", data: "bytes") -> "None":
    if f.write(data) != len(data):
        raise OSError(ENOSPC)


def _sync(f: "BinaryIO") -> "None":
    f.flush()
    if hasattr(os, "fsync"):  # not MicroPython, whose flush() does it
        os.fsync(f.fileno())


def _close(f: "BinaryIO") -> "None":
    try:
        f.close()
    except OSError:
        pass
