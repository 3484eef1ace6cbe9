"""The results on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from tools.bench import text
from tools.bench.plan import ASYNCIO, CPYTHON, MICROPYTHON
from tools.bench.results import Results

STYLES = {"reached": "green", "not reached": "bold red"}


def show(results: Results) -> None:
    """Print all tables, the one with the targets last."""
    console = Console(highlight=False)
    grids = [text.speed(results, MICROPYTHON), text.exact(results), text.speed(results, CPYTHON)]
    grids.append(text.speed(results, ASYNCIO))
    for grid in [*grids, text.claimed(results)]:
        table = Table(title=grid.title, title_justify="left", title_style="bold")
        for i, name in enumerate(grid.head):
            table.add_column(name, justify="right" if i else "left")
        for row in grid.rows:
            table.add_row(*row[:-1], f"[{STYLES.get(row[-1], 'default')}]{row[-1]}[/]")
        console.print(table)
        console.print()
