"""A FileSession starts and works, whatever is in its files."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.journal import folder, starts
from umqtt2.session.file import FileSession
from umqtt2.session.journal import MAGIC

BYTES = st.binary(max_size=200)
CONTENTS = st.one_of(st.none(), BYTES, BYTES.map(lambda data: MAGIC + data))


@pytest.fixture(scope="module")
def written():
    """The bytes of a file with all kinds of records."""
    with folder() as path:
        session = FileSession(path + "/session")
        for n in range(6):
            session.add(0x34 if n & 1 else 0x32, b"topic", b"message %d" % n, 0, 1)
        session.is_new(7, b"topic", b"")
        session.mark_received(7)
        session.resume(False, False, 0)
        session.on_packet(0x40, 1, 0)
        session.on_packet(0x50, 2, 0)
        for pid in (7, 8):
            session.is_new(pid, b"topic", b"")
            session.mark_received(pid)
        session.on_packet(0x62, 7, 0)
        pid = session.add(0x82, b"filter", 1, 0, 1)
        assert session.unsent()
        session.sent()
        session.on_packet(0x90, pid, 1)
        session.close()
        return [file.read_bytes() for file in Path(path).iterdir()][0]


def start(*contents):
    with folder() as path, contextlib.redirect_stdout(io.StringIO()):
        for n, content in enumerate(contents):
            if content is not None:
                Path(path, f"session.{n}").write_bytes(content)
        starts(path + "/session")


@settings(max_examples=60, deadline=None)
@given(CONTENTS, CONTENTS)
def test_any_bytes(one, other):
    start(one, other)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage(written, data):
    damaged = bytearray(written)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged)))
        damaged[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    start(bytes(damaged), data.draw(st.sampled_from([None, b"", written[:20]])))
