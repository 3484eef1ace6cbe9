"""The file of a FileSession, which may have anything in it."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import zlib
from pathlib import Path
from struct import pack
from typing import Any

from tests.fuzz.choices import Choices
from umqtt2.packets.fields import PUBLISH, PUBREL
from umqtt2.session.file import FileSession
from umqtt2.session.journal import END, MAGIC, SKIP, START, _head
from umqtt2.session.memory import AWAITS, DELIVERED, DONE, FIRST, PID, SUBSCRIPTION

KINDS = (0x32, 0x34, 0x30, 0x3D, *range(DONE, SUBSCRIPTION + 1), SUBSCRIPTION, START, END, SKIP, 0, 255)
LIMIT = 5


def run(data: bytes) -> None:
    """Start a FileSession with what a fuzzer has put in its two files: it works, and so does the next."""
    choices = Choices(data)
    with folder() as path:
        for n in (0, 1):
            content = file(choices, n)
            if content is not None:
                Path(path, f"session.{n}").write_bytes(content)
        with contextlib.redirect_stdout(io.StringIO()):
            starts(path + "/session")


def starts(path: str) -> None:
    session = FileSession(path, LIMIT)
    assert session.lost >= 0
    before = state(session)
    session = reopened(session, path)
    assert state(session) == before, "what was read once is read again"
    session.resume(True, False, 0)
    kept = session.waiting() + session.lost
    assert len(unsent(session)) == kept - session.lost, "what cannot be read is counted, all else is sent"
    session = reopened(session, path)
    while session.waiting() >= session.limit:  # the file of a larger session
        assert session.remove(session.pids()[0])
    pid = session.add(0x32, b"topic", b"message", 0, 1)
    session = reopened(session, path)
    session.resume(True, False, 0)
    assert unsent(session)[-1] == (pid, b"topic", b"message"), "a message that was accepted is there"
    while session.waiting():
        assert session.remove(session.pids()[0])
    assert reopened(session, path).waiting() == 0


def reopened(session: FileSession, path: str) -> FileSession:
    session.close()
    return FileSession(path, LIMIT)


def unsent(session: FileSession) -> list[tuple[Any, ...]]:
    """Return all messages that are to be sent, as they are handed out."""
    out: list[tuple[Any, ...]] = []
    session.window = 1 << 16  # all at once
    packet = session.unsent()
    while packet:
        pid, first, topic, msg = packet
        if first == PUBREL:
            out.append((pid,))
        elif first & 0xF0 == PUBLISH:
            assert type(topic) is bytes and type(msg) is bytes
            out.append((pid, topic, msg))
        session.sent()
        packet = session.unsent()
    return out


def state(session: FileSession) -> tuple[Any, ...]:
    """Return what a session knows, but for the places in its file."""
    kept = [(message[PID], message[FIRST] & ~8, message[AWAITS]) for message in session.messages]
    return kept, dict(session.received), session.subscriptions


def file(choices: Choices, n: int) -> bytes | None:
    """Return the content of a file, records and other bytes, or None when there is no file."""
    if choices.flag():
        return None
    out = bytearray(b"" if choices.flag() else MAGIC)
    for _ in range(choices.number(24)):
        kind = choices.number(8)
        if kind == 0:
            out += choices.take(choices.number(64))
        elif kind == 1 and out:
            out[choices.number(65536) % len(out)] ^= 1 << choices.number(8)
        elif kind == 2:
            del out[choices.number(65536) :]
        else:
            out += record(choices, n, len(out))
    if choices.flag():
        out += choices.rest()
    return bytes(out)


def record(choices: Choices, n: int, at: int) -> bytes:
    """Return a record whose checks are right, as a FileSession writes it; or, wild, whatever is in it."""
    kind = choices.one(KINDS)
    wild = choices.number(8) == 7
    pid = choices.number(65536) if wild else 1 + choices.number(5)
    if kind in (START, END):
        return _head(kind, 0, choices.number(16) if wild else 2 * choices.number(4) + n, at)
    if kind == SUBSCRIPTION and not wild:
        pid %= 4
    body = b""
    if wild:
        body = choices.take(choices.number(16))
    elif kind == DELIVERED:
        body = b"\0\4" + choices.take(4).ljust(4, b"x")
    elif kind == SUBSCRIPTION or kind & 0xF0 == 0x30:
        topic = b"topic%d" % choices.number(4)
        body = len(topic).to_bytes(2, "big") + topic
        if kind != SUBSCRIPTION:
            body += choices.take(choices.number(16))
    if body:
        body += pack("<I", zlib.crc32(body))
    return _head(kind, pid, len(body), at) + body


def folder() -> Any:
    """Return a folder that is removed after its block; in RAM, where there is such a file system."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="umqtt2-fuzz-", dir=memory)
