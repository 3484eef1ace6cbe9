"""python -m tools.bench.awake: what a wake-up costs, from power-on to the last packet; for docs/battery.md.

A device of 32 bits wakes up, sends a reading, and leaves. Counted are round trips, those of TCP and TLS included (not
that of a name's look-up), and bytes of TCP's payload in both directions, with TLS what TLS makes of them. Time is not
measured: a round trip is one on any machine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tools import errors, fetch, other_clients
from tools.bench.round_trips import RoundTrips
from tools.errors import ToolError
from tools.paths import REPO
from tools.svg import OURS, THEIRS, drawing, save
from tools.testkit import vm
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.tree import lay_out, put

PROGRAMS = Path(__file__).parent / "programs" / "waking"
SECONDS = 60
HEAP_KB = 512
ROUND_TRIP_MS = 100
MILLIAMPERES = 110  # of an ESP32 that receives: table 6 of the manual of ESP32-PICO-ZERO, 20 MHz
WAKE_UPS = 1000
DOCUMENT = REPO / "docs" / "battery.md"
START, END = "<!-- bench: awake -->", "<!-- end -->"
PICTURE = "round-trips.svg"
LISTENERS = {False: Listener("anonymous"), True: Listener("tls", "server")}
TREES = {"plain": "simple", "robust": "full", "aio": "aio"}  # builds of umqtt2, for its programs
ARCHIVES = {"simple": "umqtt.simple", "simple2": "umqtt.simple2"}


class Client(NamedTuple):
    """A program of PROGRAMS, and what readers call it."""

    title: str
    program: str
    eager: bool = False


CLIENTS = [
    Client("umqtt.simple", "simple"),
    Client("umqtt.simple2", "simple2"),
    Client("umqtt2", "plain"),
    Client("umqtt2, eager", "plain", True),
    Client("umqtt2.robust, not eager", "robust"),
    Client("umqtt2.robust", "robust", True),
    Client("umqtt2.aio", "aio"),
    Client("umqtt2.aio, eager", "aio", True),
]
SCENARIOS = {
    "qos1": "a reading at QoS 1",
    "commands": "a reading and a subscription, both at QoS 1",
    "qos0": "a reading at QoS 0",
    "waiting": "100 readings at QoS 1 that were never sent",
}
HEAD = ["client", "TCP: round trips", "TCP: bytes", "TLS: round trips", "TLS: bytes", "TCP: mAh", "TLS: mAh"]
WAITING = ("robust",)  # programs that take messages before they are connected


class Cost(NamedTuple):
    """
    acknowledged  round trips from power-on until everything was acknowledged; None at QoS 0
    trips         round trips until the client has closed the connection
    up, down      bytes to the broker, and from it
    """

    acknowledged: int | None
    trips: int
    up: int
    down: int


Costs = dict[tuple[str, bool, str], Cost]  # by scenario, TLS, and title of the client


def measure(
    folder: Path,
    clients: Sequence[Client] = CLIENTS,
    scenarios: Iterable[str] = SCENARIOS,
    secured: Iterable[bool] = (False, True),
) -> Costs:
    """Measure each client in each scenario, with TLS and without; `folder` is for files."""
    device = fetch.vm32()
    certificates = Certificates(folder)
    costs: Costs = {}
    with Mosquitto(folder / "mosquitto", certificates, list(LISTENERS.values())) as broker:
        for program in dict.fromkeys(client.program for client in clients):
            prepare(program, folder / program)
        for scenario, secure, client in itertools.product(scenarios, secured, clients):
            if scenario == "waiting" and client.program not in WAITING:
                continue
            with RoundTrips(broker.port(LISTENERS[secure].name), broker.pid) as proxy:
                config: dict[str, object] = {"scenario": scenario, "tls": secure, "eager": client.eager}
                config.update(host="localhost", port=proxy.port, ca=certificates.der("ca"))
                cost = wake(device, folder / client.program, f"wake_{client.program}", config, proxy)
            costs[scenario, secure, client.title] = cost
    return costs


def prepare(program: str, folder: Path) -> None:
    """Put a client and its program into a folder."""
    for source in (PROGRAMS / "waking.py", PROGRAMS / "ussl.py", PROGRAMS / f"wake_{program}.py"):
        put(source, folder / source.name)
    if program in TREES:
        lay_out(TREES[program], folder)
        return
    sources = other_clients.module_path(ARCHIVES[program])
    for path in sources.rglob("*.py"):
        put(path, folder / path.relative_to(sources.parent))


def wake(device: Path, folder: Path, program: str, config: dict[str, object], proxy: RoundTrips) -> Cost:
    """Let a device wake up once."""
    line = f"import {program}; {program}.wake({config!r})"
    with subprocess.Popen(
        vm.command(device, HEAP_KB, "-c", line),
        cwd=folder,
        env={**os.environ, **vm.imports(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        proxy.client_pid = process.pid
        assert process.stdin and process.stdout
        acknowledged = None
        said = []
        try:
            for text in process.stdout:
                said.append(text)
                if text.strip() == "acknowledged":
                    acknowledged = proxy.trips
                    process.stdin.write("\n")
                    process.stdin.flush()
            status = process.wait(SECONDS)
        finally:
            process.kill()
    if status or not proxy.closed.wait(SECONDS):
        raise ToolError(f"awake: {program} failed with {json.dumps(config)}:\n{''.join(said)}")
    return Cost(acknowledged, proxy.trips, proxy.up, proxy.down)


def milliampere_hours(trips: int) -> float:
    """What the round trips of WAKE_UPS wake-ups take."""
    return trips * ROUND_TRIP_MS / 1000 * MILLIAMPERES / 3600 * WAKE_UPS


def rows(costs: Costs, scenario: str) -> list[list[str]]:
    """The rows of a scenario's table, below HEAD."""
    found = []
    for title in dict.fromkeys(title for of, _, title in costs if of == scenario):
        row = [title]
        both = [costs[scenario, secure, title] for secure in LISTENERS]
        for cost in both:
            told = cost.trips if cost.acknowledged is None else cost.acknowledged
            row += [f"{told}, {cost.trips}" if told != cost.trips else f"{told}", f"{cost.up:,} + {cost.down:,}"]
        found.append(row + [f"{milliampere_hours(cost.trips):.1f}" for cost in both])
    return found


def markdown(costs: Costs) -> str:
    """All tables, for the document."""
    lines = []
    for scenario, title in SCENARIOS.items():
        lines += [f"**{title[0].upper()}{title[1:]}:**", ""]
        lines += [f"| {' | '.join(row)} |" for row in [HEAD, ["---"] * len(HEAD), *rows(costs, scenario)]]
        lines.append("")
    return "\n".join(lines) + "\n"


def draw(costs: Costs, path: Path) -> None:
    """Draw the round trips of a reading at QoS 1."""
    clients = [title for scenario, secure, title in costs if scenario == "qos1" and not secure]
    with drawing() as pyplot:
        figure, axes = pyplot.subplots(figsize=(7.5, 0.36 * len(clients) + 0.9))
        for i, title in enumerate(clients):
            colour = OURS if title.startswith("umqtt2") else THEIRS
            for at, tls, name, alpha in ((i - 0.2, False, "TCP", 1), (i + 0.2, True, "TLS", 0.5)):
                trips = costs["qos1", tls, title].acknowledged or 0
                axes.barh(at, trips, 0.36, color=colour, alpha=alpha)
                axes.text(trips + 0.05, at, f"{trips}, {name}", va="center", fontsize=8)
        axes.set_yticks(range(len(clients)), clients)
        axes.invert_yaxis()
        axes.set_xticks([])
        for side in ("top", "right", "bottom"):
            axes.spines[side].set_visible(False)
        figure.suptitle("Round trips from power-on until a reading at QoS 1 is acknowledged", fontsize=10)
        figure.tight_layout()
        save(figure, path)
        pyplot.close(figure)


def update(costs: Costs, document: Path = DOCUMENT) -> None:
    """Put the tables between the document's markers, and draw its picture."""
    page = document.read_text(encoding="utf-8")
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ToolError(f"awake: {document.name} has no place for the tables")
    document.write_text(f"{before}{start}\n{markdown(costs)}{end}{after}", encoding="utf-8")
    folder = document.with_suffix("")
    folder.mkdir(exist_ok=True)
    draw(costs, folder / PICTURE)


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser("python -m tools.bench.awake", description="Count what a wake-up costs.")
    parser.add_argument("--docs", action="store_true", help="put the results into docs/battery.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(Path(folder))
    console = Console(highlight=False, width=180)
    for scenario, title in SCENARIOS.items():
        table = Table(title=title, title_justify="left", title_style="bold")
        for i, name in enumerate(HEAD):
            table.add_column(name, justify="right" if i else "left")
        for row in rows(costs, scenario):
            table.add_row(*row)
        console.print(table)
    if options.docs:
        update(costs)


if __name__ == "__main__":
    errors.run_main(main)
