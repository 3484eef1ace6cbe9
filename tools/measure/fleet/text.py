"""The results of simulation and calculation, as tables."""

from __future__ import annotations

from tools.measure.fleet import load
from tools.measure.fleet.simulate import Outcome
from tools.tables import Table, number

FLEETS = (1_000, 10_000, 100_000, 1_000_000)
CAPACITIES = (200, 1_000, 5_000, 20_000)
OUTAGES = {"10 s": 10, "1 min": 60, "10 min": 600}


def measured(jitter: Outcome, plain: Outcome) -> Table:
    """The two simulations, and what the calculation says of the first."""
    found = [jitter, plain]
    gone = jitter.returned
    curve = load.curve(jitter.backoff, gone)
    expected = jitter.clients
    rows: list[list[str]] = []

    def row(name: str, values: list[float], calculated: float) -> None:
        texts = [number(value) for value in values]
        rows.append([name, texts[0], number(calculated), texts[1]])

    row("attempts refused", [o.refused for o in found], expected * curve.attempts(gone))
    row("most attempts in 100 ms", [o.peak() for o in found], expected * curve.peak() / 10)
    row(
        "most in 100 ms after the return",
        [o.peak(o.returned) for o in found],
        expected * curve.peak(gone) / 10,
    )
    row("most in 1 s after the return", [o.peak(o.returned, 1) for o in found], expected * curve.peak(gone))
    for share in (0.5, 0.9, 1):
        row(
            f"seconds until {100 * share:.0f} % are back",
            [o.until_back(share) for o in found],
            curve.until(min(share, 1 - 0.5 / expected), gone),
        )
    return Table("Measured", ["", "with jitter", "calculated", "without jitter"], rows)


def grown(jitter: Outcome) -> Table:
    """The most CONNECTs in a second for larger fleets."""
    backoff = jitter.backoff
    rows: list[list[str]] = []

    def row(name: str, each: float) -> None:
        rows.append([name, *(number(each * n) for n in FLEETS)])

    row(f"within {backoff[0]:g} s, at worst", load.worst(backoff))
    for name, outage in OUTAGES.items():
        row(f"after {name}", load.peak(1, backoff, outage))
    seconds = f"after {jitter.returned:.0f} s, measured with {jitter.clients:,} clients"
    row(seconds, jitter.peak(jitter.returned, 1) / jitter.clients)
    rows.append(["without jitter", *(f"{n:,} at once" for n in FLEETS)])
    title = "The most CONNECTs in a second as the fleet grows, with this backoff"
    return Table(title, ["the broker returns", *(f"{n:,} clients" for n in FLEETS)], rows)


def advice() -> Table:
    """The backoff to set, by the size of the fleet and what its broker takes."""
    rows = [[f"{n:,}", *("({:g}, {:g})".format(*load.advised(n, c)) for c in CAPACITIES)] for n in FLEETS]
    return Table("The backoff to set", ["clients", *(f"{capacity:,} CONNECTs/s" for capacity in CAPACITIES)], rows)


def parts(jitter: Outcome, plain: Outcome) -> dict[str, Table]:
    """All of them, by their names in the page."""
    return {"fleet, measured": measured(jitter, plain), "fleet, grown": grown(jitter), "fleet, advice": advice()}
