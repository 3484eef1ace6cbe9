"""StreamTransport over all kinds of streams."""

from __future__ import annotations

import io
import os
import threading
import time

import pytest

from tests.unit.program import App
from umqtt2.errno import SDELIVERED
from umqtt2.testing import FakeBroker, FakeClock
from umqtt2.transport import stream
from umqtt2.transport.stream import StreamTransport

pty = pytest.importorskip("pty")


@pytest.fixture
def clock(mocker):
    return mocker.patch.object(stream, "time", FakeClock())


class Plain:
    """A stream that does not wait and that nothing can watch; both ends of it."""

    def __init__(self):
        self.incoming = bytearray()
        self.sent = bytearray()
        self.room = 1 << 20
        self.ended = False

    def readinto(self, buf):
        n = min(len(buf), len(self.incoming))
        if not n:
            return 0 if self.ended else None
        buf[:n] = self.incoming[:n]
        del self.incoming[:n]
        return n

    def write(self, buf):
        n = min(len(buf), self.room)
        self.sent += buf[:n]
        return n or None


class Uart(Plain):
    """One that would wait until it has all that it is asked for."""

    def any(self):
        return len(self.incoming)

    def readinto(self, buf):
        assert len(buf) <= self.any(), "waits"
        return super().readinto(buf)


class File(io.RawIOBase):
    """One end of a pty as MicroPython opens it: `readinto` waits until it has all."""

    def __init__(self, fd):
        self.fd = fd

    def fileno(self):
        return self.fd

    def readinto(self, buf):
        for at in range(len(buf)):
            data = os.read(self.fd, 1)
            if not data:
                return at
            buf[at] = data[0]
        return len(buf)

    def write(self, buf):
        return os.write(self.fd, buf)


@pytest.fixture
def line():
    """The two ends of a pty: a file descriptor, and a File."""
    import tty

    far, near = pty.openpty()
    tty.setraw(near)
    yield far, File(near)
    for fd in (far, near):
        try:
            os.close(fd)
        except OSError:
            pass


def opened(stream, **options):
    transport = StreamTransport(stream, **options)
    transport.open(1000)
    return transport


def read(transport, n=50):
    buf = bytearray(n)
    got = transport.readinto(buf, n)
    return bytes(buf[:got]) if got else got


@pytest.mark.parametrize("kind", [Plain, Uart])
def test_reading_what_is_there(clock, kind):
    stream = kind()
    transport = opened(stream)
    assert read(transport) is None
    stream.incoming += b"hello"
    assert read(transport, 3) == b"hel"
    assert read(transport) == b"lo"
    assert read(transport) is None


def test_the_end_of_a_stream(clock):
    stream = Plain()
    transport = opened(stream)
    stream.ended = True
    assert read(transport) == 0


@pytest.mark.parametrize("kind", [Plain, Uart])
def test_writing_what_there_is_room_for(clock, kind):
    stream = kind()
    transport = opened(stream)
    stream.room = 4
    assert transport.write(b"--hello--", 2, 5) == 4
    assert transport.write(memoryview(b"--hello--"), 6, 1) == 1
    stream.room = 0
    assert transport.write(b"more", 0, 4) is None
    assert stream.sent == b"hello"


def test_no_write_is_a_long_one(clock):
    transport = opened(Plain())
    assert transport.write(bytes(7000), 0, 7000) == 128


def test_what_comes_before_the_line_is_quiet_is_thrown_away(clock):
    stream = Plain()
    stream.incoming += bytes(range(100))
    transport = StreamTransport(stream, quiet_ms=100)
    for i, _ in enumerate(transport.opening(1000)):
        clock.advance(10)
        if i == 5:
            stream.incoming += b"left from before"
    assert 150 <= clock.now - FakeClock().now < 200
    assert read(transport) is None


def test_all_that_comes_is_taken_when_asked_for(clock):
    stream = Plain()
    stream.incoming += b"welcome"
    assert read(opened(stream, quiet_ms=0)) == b"welcome"


def test_a_line_that_is_never_quiet(clock, mocker):
    stream = Plain()
    mocker.patch.object(stream, "readinto", side_effect=lambda buf: clock.advance(1) or len(buf))
    StreamTransport(stream).open(1000)
    assert 1000 <= clock.now - FakeClock().now < 1100


def test_waiting_where_nothing_can_watch_is_a_short_sleep(clock):
    transport = opened(Plain())
    before = clock.now
    transport.wait(1, 5000)
    transport.wait(4, -1)
    transport.wait(1, 0)
    assert 2 <= clock.now - before <= 50


def test_what_an_event_loop_can_watch(clock, line):
    _, near = line
    assert opened(near, quiet_ms=0).pollable is near
    assert opened(Plain()).pollable is None


def test_closing_leaves_the_stream_open(line):
    far, near = line
    transport = opened(near, quiet_ms=0)
    transport.close()
    transport.close()
    transport.open(1000)
    os.write(far, b"again")
    transport.wait(1, 5000)
    assert read(transport)


def test_a_stream_that_waits_is_asked_for_what_is_there(line):
    far, near = line
    os.write(far, b"left from before")
    transport = opened(near, quiet_ms=20)
    assert read(transport) is None
    os.write(far, b"hello")
    transport.wait(1, 5000)
    time.sleep(0.05)
    assert read(transport) == b"hello"
    assert transport.write(b"world", 0, 5) == 5
    assert os.read(far, 10) == b"world"


def test_a_stream_without_room_is_not_written_to(line):
    far, near = line
    transport = opened(near, quiet_ms=0)
    sent = 0
    while transport.write(bytes(128), 0, 128):
        sent += 128
    assert sent
    transport.wait(4, 20)
    reading = threading.Timer(0.05, lambda: os.read(far, 1 << 16))
    reading.start()
    while not transport.write(b"room", 0, 4):
        transport.wait(4, 1000)
    reading.join()


def test_the_far_end_hangs_up(line):
    far, near = line
    transport = opened(near, quiet_ms=0)
    os.close(far)
    transport.wait(1, 5000)
    try:
        assert read(transport) == 0
    except OSError:
        pass


class Line:
    """A stream with a FakeBroker at its far end."""

    def __init__(self):
        self.broker = FakeBroker()
        self.broker.open(0)

    def readinto(self, buf):
        return self.broker.readinto(buf, len(buf))

    def write(self, buf):
        return self.broker.write(buf, 0, len(buf))


@pytest.mark.parametrize("size", [5, 7000])
def test_a_client_over_a_stream(size):
    line = Line()
    transport = StreamTransport(line, quiet_ms=0)
    transport.clock = line.broker.clock
    app = App(transport)
    app.client.connect()
    pid = app.client.publish("up", bytes(size), qos=1)
    line.broker.deliver("down", bytes(size), qos=1)
    while len(app.messages) + len(app.statuses) < 2:
        app.client.check_msg()
    assert app.statuses == [(pid, SDELIVERED)]
    assert app.messages == [(b"down", bytes(size), False, False)]
    assert line.broker.published == [(b"up", bytes(size), 1, False)]
