"""The tables that `make sizes` and a broken budget show."""

from __future__ import annotations

from collections.abc import Mapping

from tools.measure.sizes.figures import TARGET_PROFILE, TARGETS, TITLES, Figures
from tools.measure.sizes.modules import Module
from tools.tables import Table, number


def clients(title: str, rows: Mapping[str, Figures]) -> Table:
    """A row for each client, and one for the targets where they apply."""
    names = [name for name in TITLES if any(name in figures for figures in rows.values())]
    lines = [[client, *(number(figures.get(name)) for name in names)] for client, figures in rows.items()]
    if TARGET_PROFILE in rows:
        verdicts = (verdict(name, rows[TARGET_PROFILE].get(name)) for name in names)
        lines.append([f"{TARGET_PROFILE} must reach", *verdicts])
    return Table(title, ["", *(TITLES[name] for name in names)], lines)


def modules(rows: list[Module]) -> Table:
    """A row for each module of the source tree, and their sum.

    The VM's tables of names grow in steps: a module that happens to make one grow is charged for it.
    """
    lines = [[row.name, number(row.mpy_bytes), number(row.import_heap)] for row in rows]
    lines.append(["all", number(sum(row.mpy_bytes for row in rows)), number(sum(r.import_heap for r in rows))])
    return Table("The source tree, each module by itself, bytes", ["", ".mpy bytes", "heap: import"], lines)


def verdict(name: str, value: float | None) -> str:
    """A target, and whether it is reached."""
    if name not in TARGETS:
        return ""
    text = f"≤ {TARGETS[name]:,}"
    return text if value is None else f"{text}: {'yes' if value <= TARGETS[name] else 'no'}"
