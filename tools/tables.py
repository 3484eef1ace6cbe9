"""Tables of figures: on the terminal, as Markdown, and in a page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import rich.table
from rich.console import Console

from tools.errors import ToolError

WIDTH = 150  # where the output is no terminal
STYLES = {"reached": "green", "not reached": "bold red"}


class Table(NamedTuple):
    """A table; the first column is text, the others are figures."""

    title: str
    head: list[str]
    rows: list[list[str]]


def number(value: float | None) -> str:
    """A figure with three significant digits, or all digits before the decimal point."""
    if value is None:
        return ""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def terminal() -> Console:
    """The terminal, which is wide enough where the output is none."""
    return Console(highlight=False, width=None if Console().is_terminal else WIDTH)


def show(table: Table) -> None:
    """Print a table on the terminal."""
    shown = rich.table.Table(title=table.title, title_justify="left", title_style="bold")
    for i, name in enumerate(table.head):
        shown.add_column(name, justify="right" if i else "left", no_wrap=not i)
    for row in table.rows:
        shown.add_row(*(f"[{STYLES[cell]}]{cell}[/]" if cell in STYLES else cell for cell in row))
    terminal().print(shown, "")


def markdown(table: Table) -> str:
    """A table as pages have it."""
    lines = [table.head, ["---"] * len(table.head), *table.rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("\n", "<br>") for line in lines)


def cells(line: str) -> list[str]:
    """The cells of a line of a page's table; none of another line."""
    return [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []


def fill(page: Path, parts: Mapping[str, str]) -> None:
    """Put texts into a page, each between `<!-- NAME: begin -->` and `<!-- NAME: end -->`."""
    text = page.read_text(encoding="utf-8")
    for name, part in parts.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        before, found, rest = text.partition(begin)
        _, also_found, after = rest.partition(end)
        if not (found and also_found):
            raise ToolError(f"{page.name}: there is no place for `{name}`")
        text = f"{before}{begin}\n{part}\n\n{end}{after}"
    page.write_text(text, encoding="utf-8")
