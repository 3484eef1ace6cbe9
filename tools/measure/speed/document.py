"""docs/performance.md: its tables and pictures are those of the last results."""

from __future__ import annotations

import re
from pathlib import Path

from tools.measure.loops import CLIENTS
from tools.measure.speed import pictures, text
from tools.measure.speed.claims import claims
from tools.measure.speed.plan import ASYNCIO, CPYTHON, MEASURES, MICROPYTHON, TASKS_ON_VM
from tools.measure.speed.results import Results
from tools.paths import REPO
from tools.tables import cells, fill, markdown, number, value

DOCUMENT = REPO / "docs" / "performance.md"
PICTURES = REPO / "docs" / "performance"


def update(results: Results, document: Path = DOCUMENT, folder: Path = PICTURES) -> None:
    """Put the results into the document, see `tools.tables.filled`, and draw its pictures from what it says then."""
    parts = {
        "conditions": _conditions(results),
        "targets": markdown(text.claimed(results)),
        "micropython": markdown(text.speed(results, MICROPYTHON)),
        TASKS_ON_VM: markdown(text.speed(results, TASKS_ON_VM)),
        "exact": markdown(text.exact(results)),
        "cpython": markdown(text.speed(results, CPYTHON)),
        "asyncio": markdown(text.speed(results, ASYNCIO)),
        "not reached": _not_reached(results),
    }
    fill(document, {f"bench, {name}": part for name, part in parts.items()})
    redraw(document, folder)


def redraw(document: Path = DOCUMENT, folder: Path = PICTURES) -> list[Path]:
    """Draw the pictures again from the document's own tables, without measuring; give them."""
    page = document.read_text(encoding="utf-8")
    speed = {machine: _speed(_table(page, f"bench, {machine}: begin")) for machine in (MICROPYTHON, CPYTHON)}
    names = {title: name for name, title in CLIENTS.items()}
    head, *rows = _table(page, "bench, exact: begin")
    heap: dict[str, dict[str, float]] = {names[title]: {} for title in head[1:]}
    for row in rows:
        found = re.fullmatch(r"heap for: (.+), bytes", row[0])
        if found:
            for title, cell in zip(head[1:], row[1:]):
                heap[names[title]][found[1]] = value(cell)
    return pictures.draw({"speed": speed, "heap": heap}, folder)


def _speed(table: list[list[str]]) -> dict[str, dict[str, list[float]]]:
    """Samples with the median and the ends that the table has."""
    names = {title: name for name, title in CLIENTS.items()}
    measures = {title: name for name, title in MEASURES.items()}
    found: dict[str, dict[str, list[float]]] = {}
    for title, *row in table[1:]:
        samples = found[measures[title]] = {}
        for client, cell in zip(table[0][1:], row):
            if cell != "—":
                middle, _, ends = cell.partition("<br>")
                low, _, high = (ends or f"{middle} to {middle}").partition(" to ")
                samples[names[client]] = [value(low), value(middle), value(high)]
    return found


def _table(page: str, marker: str) -> list[list[str]]:
    """The rows of the table below a comment, the line of dashes left out."""
    below = page[page.index(f"<!-- {marker}") :]
    lines = below[below.index("\n|") + 1 :].split("\n\n")[0].splitlines()
    rows = [cells(line) for line in lines if line[:1] == "|"]
    return [row for row in rows if set("".join(row)) != {"-"}]


def _conditions(results: Results) -> str:
    versions = results["versions"]
    return "\n".join(
        [
            f"- {results['date']}, {results['rounds']} rounds, samples of {results['seconds']:g} s",
            f"- {versions['vm']}; CPython {versions['cpython']}",
            f"- umqtt2 {versions['umqtt2']}; umqtt.simple {versions['umqtt.simple']};"
            f" umqtt.simple2 {versions['umqtt.simple2']}; paho-mqtt {versions['paho-mqtt']};"
            f" aiomqtt {versions['aiomqtt']}; gmqtt {versions['gmqtt']};"
            f" aiomqttc {versions['aiomqttc']}; chumicro-mqtt {versions['chumicro-mqtt']}",
            f"- mosquitto {versions['mosquitto']}",
            f"- {results['machine']}; load before the run: {results['load before']}",
        ]
    )


def _not_reached(results: Results) -> str:
    missed = [claim for claim in claims(results) if not claim.reached]
    if not missed:
        return "In this run every target was reached."
    lines = []
    for claim in missed:
        found, target = number(claim.found.median), number(claim.target)
        line = f"- {claim.text}: {found} ({claim.sense} {target})"
        if claim.bare:
            line += f"; the bare socket: {number(claim.bare.median)}"
        lines.append(line)
    return "\n".join(["Not reached in this run:", "", *lines])
