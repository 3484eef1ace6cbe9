"""The results as text, picture and page."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from tools.measure import pictures as drawing
from tools.measure.cluster.run import KINDS, Outcome
from tools.paths import REPO
from tools.tables import Table, fill, markdown

PAGE = REPO / "docs" / "cluster.md"
PICTURE = REPO / "docs" / "cluster" / "offline.svg"
AWAY = "#e8590c"


def text(outcome: Outcome) -> str:
    """The figures, as Markdown."""
    published = sum(client.published for client in outcome.clients)
    told = (
        f"{len(outcome.clients)} clients published {published:,} messages at QoS 1 in {outcome.seconds:.0f} s; "
        f"**lost {len(outcome.lost):,}**, {outcome.doubled:,} came twice."
    )
    rows = []
    for kind in KINDS:
        some = [client for client in outcome.clients if client.kind == kind]
        gaps = [end - begin for client in some for begin, end in client.offline()]
        longest = max((client.longest() for client in some), default=0.0)
        share = sum(gaps) / max(1, len(some))
        rows.append([kind, f"{len(some)}", f"{len(gaps)}", f"{longest:.1f} s", f"{share:.1f} s"])
    head = ["clients", "number", "times without a connection", "longest", "in all, each"]
    return f"{told}\n\n{markdown(Table('', head, rows))}"


def draw(outcome: Outcome, path: Path) -> None:
    """Draw the times without a connection. The same results make the same file."""
    with drawing.drawn(path, figsize=(8, 5)) as (_, (axes,)):
        _draw(outcome, axes)


def _draw(outcome: Outcome, axes: Any) -> None:
    for signal, node, begin, end in outcome.restarts:
        axes.axvspan(begin, end, color=drawing.THEIRS, alpha=0.25, linewidth=0)
        axes.text(begin, len(outcome.clients), f" {signal}\n node {node}", fontsize=7, va="bottom", color=drawing.ENDS)
    clients = sorted(outcome.clients, key=lambda client: (KINDS.index(client.kind), client.name))
    for row, client in enumerate(clients):
        axes.hlines(row, 0, outcome.seconds, color=drawing.OURS, alpha=0.35, linewidth=2)
        for begin, end in client.offline():
            axes.hlines(row, begin, max(end, begin + 0.3), color=AWAY, linewidth=6)
    axes.set_yticks(range(len(clients)), [client.kind for client in clients], fontsize=7)
    axes.set_xlim(0, outcome.seconds)
    axes.set_xlabel("seconds; grey: a node is away; orange: the client has no connection", fontsize=9)


def write(outcome: Outcome) -> None:
    """Put the figures into the page, and draw the picture."""
    today = datetime.date.today()
    when = f"Run of {today.day} {today:%B %Y}.\n\n"
    fill(PAGE, {"from the run": when + text(outcome)})
    draw(outcome, PICTURE)
