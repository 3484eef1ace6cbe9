"""The simulation as a picture."""

from __future__ import annotations

from pathlib import Path

from tools.errors import ToolError
from tools.fleet import load
from tools.fleet.simulate import Outcome, bins

OURS, THEIRS, LINE = "#0b6e4f", "#9aa5b1", "#e8590c"
BIN = 0.1  # seconds
WIDTH, HEIGHT = 7.5, 6.5  # inches


def draw(jitter: Outcome, plain: Outcome, path: Path) -> Path:
    """Draw attempts and clients that are back over time, with and without jitter, into a file."""
    try:
        import matplotlib
    except ImportError:
        raise ToolError("fleet: matplotlib is not installed; `make fleet` does that") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(
        2, 1, figsize=(WIDTH, HEIGHT), height_ratios=[3, 2], sharex=True, layout="constrained"
    )
    title = f"{jitter.clients:,} clients whose broker is gone for {jitter.returned:.0f} s"
    figure.suptitle(title, x=0.02, ha="left", fontsize=12, fontweight="bold")
    end = max(*jitter.back, *plain.back) + 1

    for outcome, colour, name in ((jitter, OURS, "with jitter"), (plain, THEIRS, "without jitter")):
        rates = [count / BIN for count in bins(outcome.attempts, 0, BIN)]
        edges = [i * BIN for i in range(len(rates) + 1)]
        above.stairs(rates, edges, color=colour, fill=True, label=name)
        back = sorted(outcome.back)
        shares = [100 * i / outcome.clients for i in range(len(back) + 1)]
        below.step([0, *back, end], [*shares, shares[-1]], where="post", color=colour, linewidth=2)
    curve = load.curve(jitter.backoff, jitter.returned)
    times = [(i + 0.5) * curve.step for i in range(len(curve.rate))]
    rates = [jitter.clients * rate for rate in curve.rate]
    above.plot(times, rates, color=LINE, linewidth=1.2, linestyle="--", label="with jitter, calculated")

    above.set_yscale("log")
    above.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    above.yaxis.set_minor_formatter(lambda value, _: "")
    above.set_ylim(1, 20 * jitter.clients)
    above.set_title("attempts to connect, each second", loc="left", fontsize=10)
    above.legend(frameon=False, fontsize=9)
    below.set_title("clients that are back, %", loc="left", fontsize=10)
    below.set_ylim(0, 103)
    below.set_xlabel("seconds since the broker was killed", fontsize=9)
    for axes in (above, below):
        axes.axvspan(0, jitter.returned, color="#f1f3f5", zorder=0)
        axes.set_xlim(0, end)
        axes.tick_params(labelsize=9)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    # No program name in the file, so that the same results make the same file.
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
    return path
