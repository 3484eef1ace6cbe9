"""Numbers and tables as text, for the terminal and for the document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tools.bench.claims import Claim, claims
from tools.bench.plan import ASYNCIO, CLIENTS, CPYTHON, MEASURES, MICROPYTHON, WITH_HEAP
from tools.bench.results import Results
from tools.bench.statistic import Spread, spread
from tools.instructions.measure import MEASURES as INSTRUCTIONS


class Grid(NamedTuple):
    """A table."""

    title: str
    head: list[str]
    rows: list[list[str]]


def number(value: float) -> str:
    """Three significant digits, or all digits before the decimal point."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ends(found: Spread) -> str:
    """The lowest and the highest; nothing for exact figures."""
    return "" if found.low == found.high else f"{number(found.low)} to {number(found.high)}"


def verdict(claim: Claim) -> str:
    """Whether a target is reached, as text."""
    return "reached" if claim.reached else "not reached"


def claimed(results: Results) -> Grid:
    """The table of targets."""
    rows = [
        [claim.text, f"{claim.sense} {number(claim.target)}", number(claim.found.median), ends(claim.found)]
        + [verdict(claim)]
        for claim in claims(results)
    ]
    return Grid("Targets", ["what", "target", "found", "spread", ""], rows)


def speed(results: Results, machine: str) -> Grid:
    """All speeds on a machine, in messages per second."""
    at = results["speed"][machine]
    clients = [name for name in CLIENTS if any(name in found for found in at.values())]
    rows = [
        [MEASURES[measure], *(_cell(found[client]) if client in found else "—" for client in clients)]
        for measure, found in at.items()
    ]
    title = {MICROPYTHON: "MicroPython", CPYTHON: "CPython", ASYNCIO: "asyncio on CPython"}[machine]
    return Grid(f"{title}: median, and lowest to highest", ["", *(CLIENTS[name] for name in clients)], rows)


def exact(results: Results) -> Grid:
    """Heap, writes and instructions."""
    heap = results["heap"]
    rows = [[f"heap for: {name}, bytes", *_of(results, "heap", name)] for name in heap["umqtt2"]]
    writes = results["writes"]["umqtt2"]
    rows += [[f"writes for a publish at {name}", *_of(results, "writes", name)] for name in writes]
    counted = results.get("instructions", {})
    rows += [
        [f"thousand instructions: {INSTRUCTIONS[name].title}"]
        + [number(counted[client][name]) if name in counted[client] else "—" for client in WITH_HEAP]
        for name in counted.get("umqtt2", {})
    ]
    return Grid("MicroPython: exact counts", ["", *(CLIENTS[name] for name in WITH_HEAP)], rows)


def _cell(samples: list[float]) -> str:
    found = spread(samples)
    return f"{number(found.median)}\n{ends(found)}".strip()


def _of(results: Results, what: str, name: str) -> Iterable[str]:
    return [number(results[what][client][name]) for client in WITH_HEAP]


def markdown(grid: Grid) -> str:
    """A table as the document has it."""
    lines = [grid.head, ["---"] * len(grid.head), *grid.rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("\n", "<br>") for line in lines)
