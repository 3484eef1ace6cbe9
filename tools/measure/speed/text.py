"""The tables of the results."""

from __future__ import annotations

from collections.abc import Iterable

from tools.measure.instructions.measure import MEASURES as INSTRUCTIONS
from tools.measure.loops import CLIENTS
from tools.measure.speed.claims import Claim, claims
from tools.measure.speed.plan import ASYNCIO, CPYTHON, MEASURES, MICROPYTHON, TASKS_ON_VM, WITH_HEAP
from tools.measure.speed.results import Results
from tools.measure.speed.statistic import Spread, spread
from tools.tables import Table, number


def ends(found: Spread) -> str:
    """The lowest and the highest; nothing for exact figures."""
    return "" if found.low == found.high else f"{number(found.low)} to {number(found.high)}"


def verdict(claim: Claim) -> str:
    """Whether a target is reached, as text."""
    return "reached" if claim.reached else "not reached"


def tables(results: Results) -> list[Table]:
    """All of them, the one with the targets last."""
    speeds = [speed(results, machine) for machine in (MICROPYTHON, TASKS_ON_VM, CPYTHON, ASYNCIO)]
    return [speeds[0], exact(results), *speeds[1:], claimed(results)]


def claimed(results: Results) -> Table:
    """The table of targets."""
    rows = [
        [claim.text, f"{claim.sense} {number(claim.target)}", number(claim.found.median), ends(claim.found)]
        + [verdict(claim)]
        for claim in claims(results)
    ]
    return Table("Targets", ["what", "target", "found", "spread", ""], rows)


def speed(results: Results, machine: str) -> Table:
    """All speeds on a machine, in messages per second."""
    at = results["speed"][machine]
    clients = [name for name in CLIENTS if any(name in found for found in at.values())]
    rows = [
        [MEASURES[measure], *(_cell(found[client]) if client in found else "—" for client in clients)]
        for measure, found in at.items()
    ]
    titles = {MICROPYTHON: "MicroPython", CPYTHON: "CPython", ASYNCIO: "asyncio on CPython"}
    title = titles.get(machine, "MicroPython, for programs that do several things")
    return Table(f"{title}: median, and lowest to highest", ["", *(CLIENTS[name] for name in clients)], rows)


def exact(results: Results) -> Table:
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
    return Table("MicroPython: exact counts", ["", *(CLIENTS[name] for name in WITH_HEAP)], rows)


def _cell(samples: list[float]) -> str:
    found = spread(samples)
    return f"{number(found.median)}\n{ends(found)}".strip()


def _of(results: Results, what: str, name: str) -> Iterable[str]:
    return [number(results[what][client][name]) for client in WITH_HEAP]
