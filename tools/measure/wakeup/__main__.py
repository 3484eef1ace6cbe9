"""python -m tools.measure.wakeup: what a wake-up costs, from power-on to the last packet; for docs/battery.md."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tools import errors, tables
from tools.measure.pictures import OURS, THEIRS, drawn
from tools.measure.wakeup.costs import LISTENERS, SCENARIOS, Costs, measure
from tools.paths import REPO
from tools.tables import Table

ROUND_TRIP_MS = 100
MILLIAMPERES = 110  # of an ESP32 that receives: table 6 of the manual of ESP32-PICO-ZERO, 20 MHz
WAKE_UPS = 1000
PAGE = REPO / "docs" / "battery.md"
PICTURE = "round-trips.svg"
HEAD = ["client", "TCP: round trips", "TCP: bytes", "TLS: round trips", "TLS: bytes", "TCP: mAh", "TLS: mAh"]


def milliampere_hours(trips: int) -> float:
    """What the round trips of WAKE_UPS wake-ups take."""
    return trips * ROUND_TRIP_MS / 1000 * MILLIAMPERES / 3600 * WAKE_UPS


def table(costs: Costs, scenario: str) -> Table:
    """A row for each client in a scenario."""
    rows = []
    for client in dict.fromkeys(title for of, _, title in costs if of == scenario):
        row = [client]
        both = [costs[scenario, secure, client] for secure in LISTENERS]
        for cost in both:
            told = cost.trips if cost.acknowledged is None else cost.acknowledged
            row += [f"{told}, {cost.trips}" if told != cost.trips else f"{told}", f"{cost.up:,} + {cost.down:,}"]
        rows.append(row + [f"{milliampere_hours(cost.trips):.1f}" for cost in both])
    title = SCENARIOS[scenario]
    return Table(f"{title[0].upper()}{title[1:]}:", HEAD, rows)


def draw(costs: Costs, path: Path) -> None:
    """Draw the round trips of a reading at QoS 1."""
    clients = [client for scenario, secure, client in costs if scenario == "qos1" and not secure]
    with drawn(path, figsize=(7.5, 0.36 * len(clients) + 0.9)) as (figure, (axes,)):
        for i, client in enumerate(clients):
            colour = OURS if client.startswith("umqtt2") else THEIRS
            for at, tls, name, alpha in ((i - 0.2, False, "TCP", 1), (i + 0.2, True, "TLS", 0.5)):
                trips = costs["qos1", tls, client].acknowledged or 0
                axes.barh(at, trips, 0.36, color=colour, alpha=alpha)
                axes.text(trips + 0.05, at, f"{trips}, {name}", va="center", fontsize=8)
        axes.set_yticks(range(len(clients)), clients)
        axes.invert_yaxis()
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        figure.suptitle("Round trips from power-on until a reading at QoS 1 is acknowledged", fontsize=10)


def update(costs: Costs, page: Path = PAGE) -> None:
    """Put the tables into the page, and draw its picture."""
    found = [table(costs, scenario) for scenario in SCENARIOS]
    tables.fill(page, {"wakeup": "\n\n".join(f"**{each.title}**\n\n{tables.markdown(each)}" for each in found)})
    draw(costs, page.with_suffix("") / PICTURE)


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser("python -m tools.measure.wakeup", description="Count what a wake-up costs.")
    parser.add_argument("--docs", action="store_true", help="put the results into docs/battery.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(Path(folder))
    tables.show(*(table(costs, scenario) for scenario in SCENARIOS))
    if options.docs:
        update(costs)


if __name__ == "__main__":
    errors.run_main(main)
