"""The simulation as figures that are kept, and as a picture of them."""

from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path
from typing import Any

from tools.measure import pictures as drawing
from tools.measure.fleet import load
from tools.measure.fleet.simulate import Outcome, bins

BIN = 0.1  # seconds
WIDTH, HEIGHT = 7.5, 6.5  # inches
Figures = dict[str, Any]


def figures(jitter: Outcome, plain: Outcome) -> Figures:
    """What the picture needs of two simulations: how many attempts and returns were in each 0.1 s."""
    found: Figures = {"clients": jitter.clients, "backoff": list(jitter.backoff), "returned": round(jitter.returned, 2)}
    for name, outcome in (("with jitter", jitter), ("without jitter", plain)):
        found[name] = {"attempts": bins(outcome.attempts, 0, BIN), "back": bins(outcome.back, 0, BIN)}
    return found


def save(found: Figures, path: Path) -> None:
    """Write figures; each list is a line."""
    text = json.dumps(found, indent=1).replace("\n   ", " ").replace("\n  ]", "]").replace("\n  ", " ")
    path.write_text(text + "\n", encoding="utf-8")


def draw(found: Figures, path: Path) -> Path:
    """Draw attempts and clients that are back over time, with and without jitter, into a file."""
    size = {"figsize": (WIDTH, HEIGHT), "height_ratios": [3, 2], "sharex": True}
    with drawing.drawn(path, 2, **size) as (figure, axes):
        _draw(found, figure, *axes)
    return path


def _draw(found: Figures, figure: Any, above: Any, below: Any) -> None:
    clients, returned = found["clients"], found["returned"]
    title = f"{clients:,} clients whose broker is gone for {returned:.0f} s"
    figure.suptitle(title, x=0.02, ha="left", fontsize=12, fontweight="bold")
    names = {"with jitter": drawing.OURS, "without jitter": drawing.THEIRS}
    end = BIN * max(len(found[name]["back"]) for name in names) + 1
    for name, colour in names.items():
        attempts, back = found[name]["attempts"], found[name]["back"]
        edges = [i * BIN for i in range(len(attempts) + 1)]
        above.stairs([count / BIN for count in attempts], edges, color=colour, fill=True, label=name)
        shares = [100 * count / clients for count in accumulate(back)]
        below.step([*(i * BIN for i in range(len(back))), end], [*shares, shares[-1]], color=colour, linewidth=2)
    curve = load.curve((found["backoff"][0], found["backoff"][1]), returned)
    times = [(i + 0.5) * curve.step for i in range(len(curve.rate))]
    rates = [clients * rate for rate in curve.rate]
    above.plot(times, rates, color=drawing.INK, linewidth=1.2, linestyle="--", label="with jitter, calculated")

    above.set_yscale("log")
    above.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    above.yaxis.set_minor_formatter(lambda value, _: "")
    above.set_ylim(1, 20 * clients)
    above.set_title("attempts to connect, each second; the broker is gone in the grey part", loc="left", fontsize=10)
    above.legend(frameon=False, fontsize=9)
    below.set_title("clients that are back, %", loc="left", fontsize=10)
    below.set_ylim(0, 103)
    below.set_xlabel("seconds since the broker was killed", fontsize=9)
    for axes in (above, below):
        axes.axvspan(0, returned, color=drawing.BARE, alpha=0.4, linewidth=0, zorder=0)
        axes.set_xlim(0, end)
        axes.tick_params(labelsize=9)
