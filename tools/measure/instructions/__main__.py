"""python -m tools.measure.instructions [CLIENT ...]: count, and print the table."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools import errors
from tools.device import PROFILES
from tools.measure.broker import running
from tools.measure.budget import INSTRUCTIONS, instructions_on
from tools.measure.instructions import measure
from tools.measure.loops import CLIENTS
from tools.tables import Table, number, show, terminal


def main() -> None:
    """Count for the clients on the command line."""
    parser = argparse.ArgumentParser("python -m tools.measure.instructions", description="Instructions of each call.")
    parser.add_argument("client", nargs="*", help=f"of {', '.join(measure.CLIENTS)}; default: all")
    parser.add_argument("--profile", choices=PROFILES, default=measure.PROFILE, help="of umqtt2; default %(default)s")
    parser.add_argument("--write-budget", action="store_true", help="make the figures the budget")
    options = parser.parse_args()
    unknown = set(options.client) - set(measure.CLIENTS)
    if unknown:
        parser.error(f"no such client: {', '.join(sorted(unknown))}")
    chosen = options.client or list(measure.CLIENTS)
    if options.write_budget and (options.profile != measure.PROFILE or "umqtt2" not in chosen):
        parser.error(f"the budget is that of umqtt2, profile {measure.PROFILE}")
    console = terminal()
    version = instructions_on()
    rows = {}
    with running() as broker, tempfile.TemporaryDirectory() as home:
        for client in chosen:
            with console.status(f"{client}: counting"):
                rows[client] = measure.all_of(Path(home), broker, client, options.profile)
    if options.write_budget:
        INSTRUCTIONS.write(version, {measure.PROFILE: rows["umqtt2"]})
    ours = version == INSTRUCTIONS.vm() and options.profile == measure.PROFILE
    show(table(f"Thousand instructions, {version}", rows, INSTRUCTIONS.read()[measure.PROFILE] if ours else {}))
    if ours:
        print(*INSTRUCTIONS.exceeded(measure.PROFILE, rows.get("umqtt2", {})), sep="\n")


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
