"""The clock: MicroPython's `time` functions, on CPython."""

import time

PERIOD = 1 << 30  # ticks wrap here, as on a 32-bit board


def ticks_ms() -> int:
    """Return a count of milliseconds that only goes up, until it wraps."""
    return time.monotonic_ns() // 1_000_000 % PERIOD


def ticks_add(ticks: int, delta: int) -> int:
    """Return the ticks `delta` milliseconds after `ticks`; `delta` may be negative."""
    return (ticks + delta) % PERIOD


def ticks_diff(end: int, start: int) -> int:
    """Return the milliseconds from `start` to `end`, also across a wrap."""
    return (end - start + PERIOD // 2) % PERIOD - PERIOD // 2


def sleep_ms(ms: int) -> None:
    """Sleep for `ms` milliseconds."""
    time.sleep(ms / 1000)
