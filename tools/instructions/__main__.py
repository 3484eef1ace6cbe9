"""python -m tools.instructions [CLIENT ...]: count, and print the table."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from tools import errors
from tools.bench.broker import running
from tools.bench.plan import CLIENTS
from tools.device import PROFILES
from tools.instructions import budget, measure
from tools.tables import Table, number, show


def main() -> None:
    """Count for the clients on the command line."""
    parser = argparse.ArgumentParser("python -m tools.instructions", description="Instructions of each call.")
    parser.add_argument("client", nargs="*", help=f"of {', '.join(measure.CLIENTS)}; default: all")
    parser.add_argument("--profile", choices=PROFILES, default=budget.PROFILE, help="of umqtt2; default %(default)s")
    parser.add_argument("--write-budget", action="store_true", help="make the figures the budget")
    options = parser.parse_args()
    unknown = set(options.client) - set(measure.CLIENTS)
    if unknown:
        parser.error(f"no such client: {', '.join(sorted(unknown))}")
    chosen = options.client or list(measure.CLIENTS)
    if options.write_budget and (options.profile != budget.PROFILE or "umqtt2" not in chosen):
        parser.error(f"the budget is that of umqtt2, profile {budget.PROFILE}")
    console = Console(width=None if Console().is_terminal else 120)
    version = budget.running_on()
    rows = {}
    with running() as broker, tempfile.TemporaryDirectory() as home:
        for client in chosen:
            with console.status(f"{client}: counting"):
                rows[client] = measure.all_of(Path(home), broker, client, options.profile)
    if options.write_budget:
        budget.write(version, rows["umqtt2"])
    ours = version == budget.vm() and options.profile == budget.PROFILE
    show(table(f"Thousand instructions, {version}", rows, budget.read() if ours else {}))
    if ours:
        lines = [budget.exceeded(name, value) for name, value in rows.get("umqtt2", {}).items()]
        for line in filter(None, lines):
            console.print(line)


def table(title: str, rows: Mapping[str, Mapping[str, float]], limits: Mapping[str, float]) -> Table:
    """A column for each client, and one for the budget of ours."""
    head = ["", *(CLIENTS[client] for client in rows), "budget"]
    lines = [
        [each.title, *(number(row[name]) if name in row else "—" for row in rows.values()), limit(limits, name)]
        for name, each in measure.MEASURES.items()
    ]
    return Table(title, head, lines)


def limit(limits: Mapping[str, float], name: str) -> str:
    """The budget of a measure, where it has one."""
    return number(limits[name]) if name in limits else ""


if __name__ == "__main__":
    errors.run_main(main)
