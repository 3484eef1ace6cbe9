"""What the backoff does to a broker, calculated: how many attempts to connect come, and when."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import NamedTuple

STEPS = 20  # in the first time: how fine the calculation is
STEADY = 10  # times the longest: from then on as many come in each second
LEFT = 1e-6  # share of the clients that may be ignored


class Curve(NamedTuple):
    """Attempts for each client and second, since all of them have lost the connection at once.

    step  seconds from one value to the next
    rate  the values
    """

    step: float
    rate: list[float]

    def peak(self, since: float = 0) -> float:
        """The highest value from a time on, in seconds."""
        return max(self.rate[int(since / self.step) :], default=0.0)

    def attempts(self, until: float) -> float:
        """Attempts for each client before a time."""
        return sum(self.rate[: round(until / self.step)]) * self.step

    def until(self, attempts: float, since: float) -> float:
        """Seconds from a time on until there are so many attempts for each client."""
        begin = round(since / self.step)
        for i, done in enumerate(accumulate(self.rate[begin:])):
            if done * self.step >= attempts:
                return (i + 1) * self.step
        return math.inf


def curve(backoff: tuple[float, float], outage: float) -> Curve:
    """The attempts that are expected when the broker is gone for `outage` seconds, and then takes everyone.

    The n-th wait is as likely to be any time up to `min(longest, first * 2 ** n)`, as `umqtt2.robust` has it.
    So the n-th attempts of a large fleet are spread over time as the sum of n such waits is, and each attempt
    before the return is followed by another. The clients are independent of each other, so a
    fleet's load is the load of one client times their number.
    """
    first, longest = backoff
    step = first / STEPS
    size = math.ceil((outage + longest) / step) + 1
    gone = min(round(outage / step), size)
    total = [0.0] * size
    refused = [1.0]  # the share of the clients that begins its n-th wait in each step; at first all, at 0
    n = 0
    while sum(refused) > LEFT:
        width = max(round(min(longest, first * 2 ** min(n, 16)) / step), 1)
        sums = [0.0, *accumulate(refused)]
        end = len(refused)
        came = [
            (sums[min(i + 1, end)] - sums[min(max(i + 1 - width, 0), end)]) / width
            for i in range(min(end + width - 1, size))
        ]
        for i, share in enumerate(came):
            total[i] += share
        refused = came[:gone]
        n += 1
    return Curve(step, [share / step for share in total])


def peak(clients: int, backoff: tuple[float, float], outage: float) -> float:
    """The most CONNECTs in a second that a broker gets when it returns after `outage` seconds."""
    outage = min(outage, STEADY * backoff[1])
    return clients * curve(backoff, outage).peak(outage)


def worst(backoff: tuple[float, float]) -> float:
    """The most CONNECTs in a second for each client, whenever the broker returns."""
    # A broker that returns at some time gets the attempts that would otherwise have failed at that time.
    return curve(backoff, 4 * backoff[1]).peak()


def advised(clients: int, capacity: float, longest: float = 60) -> tuple[float, float]:
    """The backoff for a fleet whose broker takes `capacity` CONNECTs a second, in whole seconds.

    With a `longest` of twice the `first` or more the worst time to return is when the first waits end, and
    `worst` about 1.6 / first. So `first` has to be 1.6 * clients / capacity. It costs little: such a fleet
    cannot be back before `clients / capacity` anyway.

    longest  the longest wait is at least this
    """
    first = max(math.ceil(worst((1, 2)) * clients / capacity), 1)
    return first, max(longest, 2 * first)
