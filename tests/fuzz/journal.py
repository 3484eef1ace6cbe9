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
from umqtt2.session.file import DONE, SUBSCRIPTION, FileSession
from umqtt2.session.journal import END, MAGIC, SKIP, START, _head

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
    session.resume(True)
    kept = unsent(session)
    assert len(kept) == session.waiting()
    before = state(session)
    after = state(reopened(session, path))
    assert after == before, "what was read once is read again"
    session = reopened(session, path)
    while session.waiting() >= session.limit:  # the file of a larger session
        assert session.done(session._kept[0][0])
    pid = session.add(0, 0x32, b"topic", b"message")
    session = reopened(session, path)
    session.resume(True)
    assert unsent(session)[-1] == (pid, b"topic", b"message"), "a message that was accepted is there"
    while session.waiting():
        assert session.done(session._kept[0][0])
    assert reopened(session, path).waiting() == 0


def reopened(session: Any, path: str) -> Any:
    session._journal.close()
    return FileSession(path, LIMIT)


def unsent(session: Any) -> list[tuple[Any, ...]]:
    """Return all that is to be sent, as it is handed out."""
    out = []
    packet = session.unsent()
    while packet:
        pid, first, topic, msg = packet[:4]
        if first:
            assert 0x30 <= first < 0x40 and type(topic) is bytes and type(msg) is bytes
        out.append((pid, topic, msg) if first else (pid,))
        session.sent(pid, 0)
        packet = session.unsent()
    return out


def state(session: Any) -> tuple[Any, ...]:
    """Return what a session knows, but for the places in its file."""
    kept = [(packet[0], packet[1] & ~8) for packet in session._kept]  # but for DUP
    return kept, sorted(session._delivered), session.subscriptions


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
