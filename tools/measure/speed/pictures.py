"""The results as pictures, one for each claim, below build/bench/."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from tools.measure.loops import CLIENTS
from tools.measure.pictures import BARE, ENDS, OURS, THEIRS, drawn
from tools.measure.speed.plan import CPYTHON, MEASURES, MICROPYTHON, ONE_CORE, WITH_HEAP
from tools.measure.speed.results import Results
from tools.measure.speed.statistic import Spread, spread
from tools.tables import number

QOS1 = ["qos1", ONE_CORE, "burst"]
COLOURS = {"umqtt2": OURS, "bare": BARE}
WIDTH, ROW, TOP = 7.5, 0.34, 0.95  # inches


class Panel(NamedTuple):
    """A bar for each client under one heading."""

    title: str
    bars: dict[str, Spread]


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw all pictures into `folder`, and give them."""
    vm, laptop = results["speed"][MICROPYTHON], results["speed"][CPYTHON]
    pictures = {
        "qos0": ("One write a packet: QoS 0 publishes on the VM", [_panel(vm, "qos0")]),
        "qos1": ("No waiting for TCP's timers: QoS 1 on the VM", [_panel(vm, m) for m in QOS1 if m in vm]),
        "receive": ("Two reads a packet: receiving on the VM", [_panel(vm, "receive", bare=False)]),
        "heap": ("Next to nothing is allocated: bytes of heap for one call", _heap(results)),
        "cpython": ("The same source on CPython, beside paho", [_panel(laptop, m, False) for m in laptop]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    return [_draw(folder / f"{name}.svg", title, panels) for name, (title, panels) in pictures.items()]


def _panel(at: dict[str, Any], measure: str, bare: bool = True) -> Panel:
    # The bare socket is left out where its bar would make the others too short.
    found = at[measure]
    names = [name for name in CLIENTS if name in found and (bare or name != "bare")]
    return Panel(MEASURES[measure], {name: spread(found[name]) for name in names})


def _heap(results: Results) -> list[Panel]:
    heap = results["heap"]
    return [Panel(name, {client: spread([heap[client][name]]) for client in WITH_HEAP}) for name in heap["umqtt2"]]


def _draw(path: Path, title: str, panels: list[Panel]) -> Path:
    """Draw one picture: its panels one below the other, bars from left to right."""
    sizes = [len(panel.bars) for panel in panels]
    height = TOP + ROW * (sum(sizes) + 1.6 * len(sizes))
    with drawn(path, len(sizes), figsize=(WIDTH, height), height_ratios=sizes) as (figure, axes):
        figure.suptitle(title, x=0.02, ha="left", fontsize=12, fontweight="bold")
        for ax, panel in zip(axes, panels):
            bars = list(panel.bars.values())
            ends = [[bar.median - bar.low for bar in bars], [bar.high - bar.median for bar in bars]]
            noisy = any(side for line in ends for side in line)
            ax.barh(
                [CLIENTS.get(name, name) for name in panel.bars],
                [bar.median for bar in bars],
                color=[COLOURS.get(name.partition(",")[0], THEIRS) for name in panel.bars],
                xerr=ends if noisy else None,
                error_kw={"ecolor": ENDS, "elinewidth": 1, "capsize": 2},
                height=0.68,
            )
            widest = max(max(bar.high for bar in bars), 1)
            for i, bar in enumerate(bars):
                ax.text(bar.high + widest * 0.012, i, number(bar.median), va="center", fontsize=9)
            ax.set_title(panel.title, loc="left", fontsize=10)
            ax.set_xlim(0, widest * 1.12)
            ax.invert_yaxis()
            ax.xaxis.set_visible(False)
            ax.tick_params(left=False, labelsize=9)
            ax.spines["bottom"].set_visible(False)
    return path
