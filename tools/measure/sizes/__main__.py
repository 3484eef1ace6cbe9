"""python -m tools.measure.sizes [CLIENT ...]: print the tables, and write build/sizes/sizes.json."""

from __future__ import annotations

import argparse
import json
from datetime import date

from tools import errors
from tools.device import PROFILES
from tools.measure.budget import BYTES, bytes_on
from tools.measure.sizes import echo, figures, modules, pages, table
from tools.measure.sizes.clients import CLIENTS, MEASURED_ONCE
from tools.tables import show, terminal


def main() -> None:
    """Measure the clients on the command line."""
    parser = argparse.ArgumentParser("python -m tools.measure.sizes", description="How much each client takes.")
    parser.add_argument("client", nargs="*", help=f"of {', '.join(CLIENTS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="leave out the smallest heaps")
    parser.add_argument("--write-budget", action="store_true", help="make the figures the budget; docs/, too")
    options = parser.parse_args()
    unknown = set(options.client) - set(CLIENTS)
    if unknown:
        parser.error(f"no such client: {', '.join(sorted(unknown))}")
    console = terminal()
    chosen = [CLIENTS[name] for name in options.client or CLIENTS]
    version = bytes_on()
    rows: dict[str, figures.Figures] = {client.name: figures.costs(client) for client in chosen}
    if not options.quick:
        with echo.running() as endpoints:
            for client in chosen:
                with console.status(f"{client.name}: looking for the smallest heap"):
                    rows[client.name].update(figures.heaps(client, endpoints))
    if not options.client:
        rows.update({name: {**found} for name, found in MEASURED_ONCE.items()})
    parts = modules.measure()
    show(table.clients(f"Bytes of flash and heap, {version}", rows), table.modules(parts))
    if "32 bits" not in version:
        console.print("This VM has not a board's word size: heaps are larger here than there.")
    if options.write_budget:
        ours = {name: rows[name] for name in PROFILES if name in rows}
        BYTES.write(version, {name: {key: row.get(key) for key in figures.LIMITED} for name, row in ours.items()})
        pages.write(rows)
    # Figures that took no part this time would be missing from the pictures.
    if not options.client and not options.quick:
        figures.RESULTS.parent.mkdir(parents=True, exist_ok=True)
        results = {
            "vm": version,
            "date": date.today().isoformat(),
            "clients": {client.name: rows[client.name] for client in chosen},
            "targets": {figures.TARGET_PROFILE: figures.TARGETS},
            "modules": [part._asdict() for part in parts],
        }
        figures.RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for client in chosen:
        for line in BYTES.exceeded(client.name, rows[client.name]) if client.name in BYTES.read() else []:
            console.print(line)


errors.run_main(main)
