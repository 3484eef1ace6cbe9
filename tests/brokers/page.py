"""The tables of docs/brokers.md: a row for each scenario, a column for each broker."""

from __future__ import annotations

import re

from tests.brokers.kinds import NAMES
from tools import tables
from tools.paths import REPO
from tools.tables import Table, fill, markdown

PAGE = REPO / "docs" / "brokers.md"
Cells = dict[str, dict[str, list[str]]]  # by row and column: what was seen, on each machine


def table(first: str, cells: Cells) -> Table:
    """A table of what was seen. first: the name of the first column."""
    columns = sorted({name for row in cells.values() for name in row}, key=NAMES.index)
    rows = [
        [name.replace("_", " "), *("; ".join(dict.fromkeys(row.get(column, ["not run"]))) for column in columns)]
        for name, row in cells.items()
    ]
    return Table("", [first, *columns], rows)


def update(name: str, first: str, cells: Cells) -> None:
    """Put a table into the page, in the place of the one with that name; brokers that did not run keep their column.
    A page without a place for it stays as it is."""
    old = re.search(f"<!-- {name}: begin -->(.*)<!-- {name}: end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    if old:
        merged = _cells(old[1])
        for row, columns in cells.items():
            merged.setdefault(row.replace("_", " "), {}).update(columns)
        fill(PAGE, {name: markdown(table(first, merged))})


def summary(runs: list[str]) -> str:
    """What several runs have counted, each a list such as "3 of 1,000 up lost, down out of order", as ranges."""
    counts: dict[str, list[int]] = {}
    for run in runs:
        for part in run.split(", "):
            match = re.fullmatch(r"([\d,]+)(?: of [\d,]+)? (.+)", part)
            counts.setdefault(match[2] if match else part, []).append(int(match[1].replace(",", "")) if match else -1)
    if set(counts) != {"yes"}:
        counts.pop("yes", None)
    return "\n".join(sorted(_range(name, found, len(runs)) for name, found in counts.items()))


def _range(name: str, found: list[int], runs: int) -> str:
    if -1 in found:
        return name
    least = min(found) if len(found) == runs else 0
    return f"{name}: {least}" + (f" to {max(found)}" if max(found) > least else "")


def _cells(text: str) -> Cells:
    # What stands in a table.
    rows = list(filter(None, map(tables.cells, text.splitlines())))
    columns = rows[0][1:] if rows else []
    return {row[0]: {column: [said] for column, said in zip(columns, row[1:])} for row in rows[2:]}
