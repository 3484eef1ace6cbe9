"""The tables that `make sizes` and a broken budget show."""

from __future__ import annotations

import io
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from tools.sizes.figures import TARGET_PROFILE, TARGETS, TITLES, Figures
from tools.sizes.modules import Module


def clients(title: str, rows: Mapping[str, Figures]) -> Table:
    """A row for each client, and one for the targets where they apply."""
    names = [name for name in TITLES if any(name in figures for figures in rows.values())]
    table = Table(title=title)
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(TITLES[name], justify="right")
    for client, figures in rows.items():
        table.add_row(client, *(number(figures.get(name)) for name in names))
    if TARGET_PROFILE in rows:
        table.add_section()
        verdicts = (verdict(name, rows[TARGET_PROFILE].get(name)) for name in names)
        table.add_row(f"{TARGET_PROFILE} must reach", *verdicts)
    return table


def modules(rows: list[Module]) -> Table:
    """A row for each module of the source tree, and their sum.

    The VM's tables of names grow in steps: a module that happens to make one grow is charged for it.
    """
    table = Table("", title="The source tree, each module by itself, bytes")
    for title in (".mpy bytes", "heap: import"):
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(row.name, number(row.mpy_bytes), number(row.import_heap))
    table.add_section()
    table.add_row("all", number(sum(row.mpy_bytes for row in rows)), number(sum(r.import_heap for r in rows)))
    return table


def number(value: int | None) -> str:
    """A figure as text."""
    return "n/a" if value is None else f"{value:,}"


def verdict(name: str, value: int | None) -> str:
    """A target, and whether it is reached."""
    if name not in TARGETS:
        return ""
    text = f"≤ {TARGETS[name]:,}"
    return text if value is None else f"{text}: {'yes' if value <= TARGETS[name] else 'no'}"


def text(table: Table) -> str:
    """A table as plain text, for a message."""
    console = Console(file=io.StringIO(), width=150)
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]
