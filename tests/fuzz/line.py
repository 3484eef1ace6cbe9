"""A broker, and a network between it and the client that does whatever a fuzzer chooses."""

from __future__ import annotations

from typing import Any

from tests.unit import wire
from umqtt2.testing import FakeBroker, FakeClock

RECOVERY_STEPS = 300  # steps after which the network recovers, so that no call waits for ever
MAX_STEPS = 3000  # steps that no call may take
BROKEN = 104  # ECONNRESET


class Hang(AssertionError):
    """A call that does not return."""


class Clock(FakeClock):
    """A FakeClock that counts the waits."""

    step: Any = staticmethod(lambda: None)

    def sleep_ms(self, ms: int) -> None:
        self.step()
        super().sleep_ms(ms)


class Line(FakeBroker):
    """A FakeBroker, which may be silent, and besides its faults

    unread, unwritten  bytes that can still be read and written before the connection breaks, or None
    steps              what the present call has taken; set it to 0 before each

    All that the client writes must be MQTT: whole packets, but for the last one, a CONNECT first and
    nothing after a DISCONNECT.
    """

    unread: int | None = None
    unwritten: int | None = None

    def __init__(self, now: int = 0) -> None:
        clock = Clock(now)
        super().__init__(clock)
        clock.step = self.step
        self.steps = 0
        self._recovered = False

    def heal(self) -> None:
        """Lose the present connection, and let all that follow be good ones."""
        self.silent = False
        self.return_code = 0
        self.refused.clear()
        self.read_sizes = self.write_sizes = None
        self.unread = self.unwritten = None
        self.fail_open = self.fail_read = self.fail_write = None
        self.drop()

    def step(self) -> None:
        self.steps += 1
        if self.steps % RECOVERY_STEPS == 0:
            self.heal()
            self._recovered = True
        if self.steps > MAX_STEPS:
            raise Hang(f"no end after {MAX_STEPS} steps")

    def check(self) -> None:
        """Look at what the client wrote since the last `open`."""
        check(bytes(self.sent))
        self.sent.clear()
        self.writes.clear()

    # --- What the client sees ------------------------------------------------------------------------

    def open(self, timeout_ms: int) -> None:
        self.step()
        self.check()
        self.unread = self.unwritten = None
        super().open(timeout_ms)

    def readinto(self, buf: bytearray | memoryview, n: int) -> int | None:
        self.step()
        if self.unread is not None:
            if not self.unread:
                raise OSError(BROKEN)
            n = min(n, self.unread)
        got = super().readinto(buf, n)
        if got and self.unread:
            self.unread -= got
        return got

    def write(self, buf: bytes | bytearray | memoryview, offset: int, n: int) -> int | None:
        self.step()
        if self.unwritten is not None:
            if not self.unwritten:
                raise OSError(BROKEN)
            n = min(n, self.unwritten)
        taken = super().write(buf, offset, n)
        if taken and self.unwritten:
            self.unwritten -= taken
        return taken

    def wait(self, flags: int, timeout_ms: int) -> None:
        self.step()
        if timeout_ms < 0 or timeout_ms > 1000:
            timeout_ms = 1000
        if flags & 4 or self.incoming or self.ended:
            timeout_ms = min(timeout_ms, 100)
        self.clock.advance(timeout_ms)

    def _connect(self, body: bytes) -> None:
        super()._connect(body)
        if self._recovered:  # for who waits for a packet
            self._recovered = False
            self.feed(wire.PINGRESP)


def check(sent: bytes) -> None:
    """Raise AssertionError if no client may send this on one connection."""
    first = True
    while sent:
        r = wire.Reader(sent[1:])
        try:
            r.take(r.remaining_length())
        except AssertionError:
            assert not first or sent[0] == 0x10
            return  # the connection has ended within a packet
        packet, sent = wire.parse(sent)
        assert first == (packet["type"] == 1), "CONNECT comes first, and once"
        assert packet["type"] != 14 or not sent, "nothing follows a DISCONNECT"
        first = False
