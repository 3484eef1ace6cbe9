"""A clock that a test moves."""

PERIOD = 1 << 30  # ticks wrap here, as on a 32-bit board


class FakeClock:
    """MicroPython's `ticks_ms`, `ticks_add`, `ticks_diff` and `sleep_ms`, which return at once.

    now      the ticks that it shows, in milliseconds
    elapsed  milliseconds that have passed since it was made; they do not wrap
    """

    def __init__(self, now: "int" = 0) -> "None":
        """now: where it begins; close to 2**30 it soon wraps."""
        self.now = now % PERIOD
        self.elapsed = 0

    def advance(self, ms: "int") -> "None":
        """Let `ms` milliseconds pass."""
        self.now = self.ticks_add(self.now, ms)
        self.elapsed += ms

    def ticks_ms(self) -> "int":
        """Return the ticks that it shows."""
        return self.now

    def ticks_add(self, ticks: "int", delta: "int") -> "int":
        """Return the ticks `delta` milliseconds after `ticks`."""
        return (ticks + delta) % PERIOD

    def ticks_diff(self, end: "int", start: "int") -> "int":
        """Return the milliseconds from `start` to `end`."""
        return (end - start + PERIOD // 2) % PERIOD - PERIOD // 2

    def sleep_ms(self, ms: "int") -> "None":
        """Let `ms` milliseconds pass, at once."""
        self.advance(ms)
