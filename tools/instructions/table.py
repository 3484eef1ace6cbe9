"""The table that `make instructions` shows."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from tools.bench.plan import CLIENTS as NAMES
from tools.instructions.measure import MEASURES


def clients(title: str, rows: Mapping[str, Mapping[str, float]], limits: Mapping[str, float]) -> Table:
    """A column for each client, and one for the budget of ours."""
    table = Table("", title=title, title_justify="left")
    for client in rows:
        table.add_column(NAMES[client], justify="right")
    table.add_column("budget", justify="right")
    for name, measure in MEASURES.items():
        found = [f"{row[name]:.1f}" if name in row else "—" for row in rows.values()]
        table.add_row(measure.title, *found, f"{limits[name]:.1f}" if name in limits else "")
    return table
