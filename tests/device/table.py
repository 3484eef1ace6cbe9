"""The table of a run: scenario by listener, with milliseconds."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Iterable, Iterator

from tools.tables import Table

CELL = "umqtt2-cell"  # the property of a test's report: machine, tree, scenario, listener
MS = "umqtt2-ms"  # milliseconds that the program took; more than one when it ran more than once


def tables(reports: Iterable[Any]) -> Iterator[Table]:
    """Give a table for each machine and tree."""
    found: dict[tuple[str, str], dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for report in reports:
        properties = dict(reversed(getattr(report, "user_properties", [])))
        if CELL in properties and (report.when == "call" or report.failed):
            machine, tree, scenario, listener = properties[CELL]
            ms = sum(value for name, value in report.user_properties if name == MS)
            found[machine, tree][scenario][listener] = str(ms) if report.passed else "FAILED"
    for (machine, tree), rows in found.items():
        listeners = list(dict.fromkeys(name for row in rows.values() for name in row))
        lines = [[name.replace("_", " "), *(row.get(one, "") for one in listeners)] for name, row in rows.items()]
        yield Table(f"{machine}, {tree}: milliseconds", ["scenario", *listeners], lines)
