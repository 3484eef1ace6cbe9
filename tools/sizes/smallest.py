"""The smallest heap in which the echo program runs."""

from __future__ import annotations

from tools.sizes.echo import Echo

STEP = 256  # bytes
MOST = 48 * 1024
TIMES = 3  # consecutive successes that are required


def smallest_heap(echo: Echo) -> int | None:
    """Bytes, by halving between nothing and MOST; None when it does not even run in MOST."""
    if not echo.runs_in(MOST):
        return None
    low, high = 0, MOST // STEP  # does not run, runs; in steps
    while high - low > 1:
        middle = (low + high) // 2
        if echo.runs_in(middle * STEP):
            high = middle
        else:
            low = middle
    # Near the limit it depends on when garbage is collected, which varies from run to run.
    while high * STEP < MOST and not all(echo.runs_in(high * STEP) for _ in range(TIMES)):
        high += 1
    return high * STEP
