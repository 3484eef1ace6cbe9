"""The table of a run: scenario by listener, with milliseconds."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Iterable, Iterator

CELL = "umqtt2-cell"  # the property of a test's report: machine, tree, scenario, listener
MS = "umqtt2-ms"  # milliseconds that the program took; more than one when it ran more than once


def tables(reports: Iterable[Any]) -> Iterator[tuple[str, list[str]]]:
    """Give title and lines of a table for each machine and tree."""
    cells: dict[tuple[str, str], dict[tuple[str, str], str]] = defaultdict(dict)
    for report in reports:
        properties = dict(reversed(getattr(report, "user_properties", [])))
        if CELL in properties and (report.when == "call" or report.failed):
            machine, tree, scenario, listener = properties[CELL]
            ms = sum(value for name, value in report.user_properties if name == MS)
            cells[machine, tree][scenario, listener] = str(ms) if report.passed else "FAILED"
    for (machine, tree), entries in cells.items():
        yield f"{machine}, {tree}: milliseconds", list(_lines(entries))


def _lines(entries: dict[tuple[str, str], str]) -> Iterator[str]:
    scenarios = list(dict.fromkeys(scenario for scenario, _ in entries))
    listeners = list(dict.fromkeys(listener for _, listener in entries))
    first = max(len(text) for text in ["scenario", *scenarios])
    yield "  ".join([f"{'scenario':{first}}", *(f"{name:>9}" for name in listeners)])
    for scenario in scenarios:
        row = [f"{entries.get((scenario, name), ''):>{max(9, len(name))}}" for name in listeners]
        yield "  ".join([f"{scenario.replace('_', ' '):{first}}", *row])
