"""How 1,000 clients whose broker went away come back, and what larger fleets would do: docs/reliability.md.

The simulation is the package itself on CPython, all clients in one loop, and a real broker. The calculation is that of
the load of one client times their number, as they know nothing of each other.
"""

from __future__ import annotations

import argparse
import math
import resource
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from tools.errors import ToolError
from tools.measure import pictures
from tools.tables import Table, number
from tools.testkit.broker import HOST
from tools.testkit.mosquitto import PlainMosquitto
from umqtt2.robust import MQTTClient
from umqtt2.transport.tcp import TCPTransport

Backoff = tuple[float, float]  # the first time, and the longest

CLIENTS = 1000
OUTAGE = 10  # seconds
BACKOFF = (1, 60)
SPARE_FILES = 200
PAUSE = 0.002  # between two rounds of the loop
BIN = 0.1  # seconds: so fine are the figures that are kept
STEPS = 20  # in the first time: how fine the calculation is
STEADY = 10  # times the longest: from then on as many come in each second
LEFT = 1e-6  # share of the clients that may be ignored
FLEETS = (1_000, 10_000, 100_000, 1_000_000)
CAPACITIES = (200, 1_000, 5_000, 20_000)
OUTAGES = {"10 s": 10, "1 min": 60, "10 min": 600}
# Random times, and the longest ones in their place.
RUNS: dict[str, AbstractContextManager[Any]] = {
    "with jitter": nullcontext(),
    "without jitter": mock.patch("umqtt2.reconnect.urandom", lambda n: b"\xff" * n),
}
PAGES = {"reliability.md": ["fleet, measured", "fleet, grown", "fleet, advice"]}


class Curve(NamedTuple):
    """How many come, for each client, since all of them have lost the connection at once.

    step    seconds from one value to the next
    values  how many in each step
    """

    step: float
    values: list[float]

    def peak(self, since: float = 0, width: float = 0) -> float:
        """The most in a second, from a time on; as an average of so many seconds."""
        begin, each = int(since / self.step + 1e-6), max(round(width / self.step), 1)
        sums = [sum(self.values[i : i + each]) for i in range(begin, len(self.values), each)]
        return max(sums, default=0.0) / each / self.step

    def before(self, when: float) -> float:
        """How many come before a time."""
        return sum(self.values[: round(when / self.step)])

    def until(self, share: float, since: float) -> float:
        """Seconds from a time on until so many have come; infinite where they never do."""
        came = list(accumulate(self.values[round(since / self.step) :]))
        steps = bisect_left(came, share) + 1
        return steps * self.step if steps <= len(came) else math.inf


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Simulate the fleet, with random times and without."""
    return simulated(CLIENTS, BACKOFF, OUTAGE)


def simulated(clients: int, backoff: Backoff, outage: float) -> dict[str, Any]:
    """The figures of a fleet whose broker is gone for `outage` seconds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, clients + SPARE_FILES), hard))
    found: dict[str, Any] = {"clients": clients, "backoff": list(backoff)}
    for name, random in RUNS.items():
        print(f"{clients:,} clients {name}, broker gone for {outage:g} s", flush=True)
        returned, attempts, back = simulate(clients, backoff, outage, random)
        found.setdefault("returned", round(returned, 2))
        found[name] = {"attempts": bins(attempts), "back": bins(back)}
    return found


def simulate(
    clients: int, backoff: Backoff, outage: float, random: AbstractContextManager[Any]
) -> tuple[float, list[float], list[float]]:
    """Connect the clients, kill the broker, start it again after `outage` seconds, and wait for all.

    random  entered when the broker is killed
    return  when it was started again, each attempt to connect, and when each was back: seconds since it was killed
    """
    attempts: list[float] = []
    back: list[float] = []
    opening = TCPTransport.opening

    def noted(transport: TCPTransport, timeout_ms: int) -> Iterator[None]:
        attempts.append(time.monotonic())
        yield from opening(transport, timeout_ms)

    def note_change(up: bool) -> None:
        if up:
            back.append(time.monotonic())

    def rounds(seconds: float, last: int = clients + 1) -> None:
        # Call check_msg of each client in turn, for so many seconds or until so many are back.
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(back) < last:
            broker.check()
            for client in fleet:
                client.check_msg()
            time.sleep(PAUSE)

    settings = ("persistence false", "connection_messages false")
    with tempfile.TemporaryDirectory() as folder, PlainMosquitto(Path(folder), *settings) as broker:
        fleet = [
            MQTTClient(f"fleet-{i}", HOST, broker.port, backoff=backoff, verbose=False) for i in range(clients)
        ]
        for client in fleet:
            client.connect()
            client.set_callback_connection(note_change)
        # A shorter connection counts as a failure in the backoff.
        rounds(backoff[0] + 0.5)
        with random, mock.patch.object(TCPTransport, "opening", noted):
            start = time.monotonic()
            broker.kill()
            rounds(start + outage - time.monotonic())
            returned = time.monotonic()
            broker.start()
            # Each client connects within the longest wait; a lost SYN takes some seconds more.
            rounds(2 * backoff[1] + 30, clients)
        for client in fleet:
            client.disconnect()
    if len(back) < clients:
        raise ToolError(f"fleet: {clients - len(back)} clients have not come back")
    return returned - start, [when - start for when in attempts], [when - start for when in back]


def bins(times: list[float]) -> list[int]:
    """How many of the times are in the first, second, ... BIN."""
    counts = Counter(int(when / BIN) for when in times)
    return [counts[i] for i in range(max(counts) + 1)]


def calculated(backoff: Backoff, outage: float) -> Curve:
    """The attempts that are expected when the broker is gone for `outage` seconds, and then takes everyone.

    The n-th wait is as likely to be any time up to `min(longest, first * 2 ** n)`, as `umqtt2.robust` has it.
    So the n-th attempts of a large fleet are spread over time as the sum of n such waits is, and each attempt
    before the return is followed by another.
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
        sums = list(accumulate(refused))
        sums = [0.0] * width + sums + sums[-1:] * (width - 1)
        came = [(end - begin) / width for begin, end in zip(sums, sums[width:])][:size]
        for i, share in enumerate(came):
            total[i] += share
        refused = came[:gone]
        n += 1
    return Curve(step, total)


def peak(backoff: Backoff, outage: float) -> float:
    """The most CONNECTs in a second for each client, when the broker returns after `outage` seconds."""
    outage = min(outage, STEADY * backoff[1])
    return calculated(backoff, outage).peak(outage)


def worst(backoff: Backoff) -> float:
    """The most CONNECTs in a second for each client, whenever the broker returns."""
    # A broker that returns at some time gets the attempts that would otherwise have failed at that time.
    return calculated(backoff, 4 * backoff[1]).peak()


def advised(clients: int, capacity: float) -> Backoff:
    """The backoff for a fleet whose broker takes `capacity` CONNECTs a second, in whole seconds.

    With a `longest` of twice the `first` or more the worst time to return is when the first waits end, and
    `worst` about 1.6 / first. So `first` has to be 1.6 * clients / capacity. It costs little: such a fleet
    cannot be back before `clients / capacity` anyway.
    """
    first = max(math.ceil(worst((1, 2)) * clients / capacity), 1)
    return first, max(60, 2 * first)


def parts(figures: dict[str, Any]) -> dict[str, Table]:
    """The two simulations and what the calculation says of the first; larger fleets; the backoff to set."""
    clients, backoff, gone = figures["clients"], figures["backoff"], figures["returned"]
    expected = calculated(backoff, gone)
    attempts, back = ([Curve(BIN, figures[name][what]) for name in RUNS] for what in ("attempts", "back"))

    def row(name: str, calculated: float, measured: list[float], shown: Callable[[float], str] = number) -> list[str]:
        return [name, *map(shown, (measured[0], calculated, measured[1]))]

    def most(name: str, since: float, width: float) -> list[str]:
        measured = [width * curve.peak(since, width) for curve in attempts]
        return row(f"most {name}", width * clients * expected.peak(since), measured)

    def until(share: float) -> list[str]:
        came = expected.until(min(share, 1 - 0.5 / clients), gone)
        measured = [curve.until(share * clients, gone) for curve in back]
        return row(f"seconds until {100 * share:.0f} % are back", came, measured, "{:.1f}".format)

    runs = [
        row("attempts refused", clients * expected.before(gone), [sum(curve.values) - clients for curve in attempts]),
        most("attempts in 100 ms", 0, 0.1),
        most("in 100 ms after the return", gone, 0.1),
        most("in 1 s after the return", gone, 1),
        *map(until, (0.5, 0.9, 1)),
    ]
    loads = {
        f"within {backoff[0]:g} s, at worst": worst(backoff),
        **{f"after {name}": peak(backoff, outage) for name, outage in OUTAGES.items()},
        f"after {gone:.0f} s, measured with {clients:,} clients": attempts[0].peak(gone, 1) / clients,
    }
    grown = [[name, *(number(each * n) for n in FLEETS)] for name, each in loads.items()]
    grown.append(["without jitter", *(f"{n:,} at once" for n in FLEETS)])
    advice = [[f"{n:,}", *("({:g}, {:g})".format(*advised(n, c)) for c in CAPACITIES)] for n in FLEETS]
    title = "The most CONNECTs in a second as the fleet grows, with this backoff"
    return {
        "fleet, measured": Table("Measured", ["", "with jitter", "calculated", "without jitter"], runs),
        "fleet, grown": Table(title, ["the broker returns", *(f"{n:,} clients" for n in FLEETS)], grown),
        "fleet, advice": Table("The backoff to set", ["clients", *(f"{n:,} CONNECTs/s" for n in CAPACITIES)], advice),
    }


def draw(figures: dict[str, Any], folder: Path) -> None:
    """Attempts and clients that are back over time, with and without jitter."""
    clients, returned = figures["clients"], figures["returned"]
    title = f"{clients:,} clients whose broker is gone for {returned:.0f} s"
    size = {"figsize": (7.5, 6.5), "height_ratios": [3, 2], "sharex": True}
    with pictures.drawn(folder / "reliability" / "fleet.svg", title, 2, **size) as (above, below):
        end = BIN * max(len(figures[name]["back"]) for name in RUNS) + 1
        for name, colour in zip(RUNS, (pictures.OURS, pictures.THEIRS)):
            attempts, back = figures[name]["attempts"], figures[name]["back"]
            edges = [i * BIN for i in range(len(attempts) + 1)]
            above.stairs([count / BIN for count in attempts], edges, color=colour, fill=True, label=name)
            shares = [100 * count / clients for count in accumulate(back)]
            below.step([*(i * BIN for i in range(len(back))), end], [*shares, shares[-1]], color=colour, linewidth=2)
        curve = calculated(figures["backoff"], returned)
        times = [(i + 0.5) * curve.step for i in range(len(curve.values))]
        rates = [clients * value / curve.step for value in curve.values]
        above.plot(times, rates, color=pictures.INK, linewidth=1.2, linestyle="--", label="with jitter, calculated")

        above.set_yscale("log")
        above.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        above.yaxis.set_minor_formatter(lambda value, _: "")
        above.set_ylim(1, 20 * clients)
        what = "attempts to connect, each second; the broker is gone in the grey part"
        above.set_title(what, loc="left", fontsize=10)
        above.legend(frameon=False, fontsize=9)
        below.set_title("clients that are back, %", loc="left", fontsize=10)
        below.set_ylim(0, 103)
        below.set_xlabel("seconds since the broker was killed", fontsize=9)
        for axes in (above, below):
            axes.axvspan(0, returned, color=pictures.BARE, alpha=0.4, linewidth=0, zorder=0)
            axes.set_xlim(0, end)
            axes.tick_params(labelsize=9)
