"""Pictures of matplotlib as SVG that reads on light and on dark: a browser takes the colours of the page around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from tools.errors import ToolError
from tools.tables import number

# Colours to draw with, and what each becomes on a dark page.
INK, OURS, THEIRS, BARE, ENDS = "#1f2933", "#0b6e4f", "#9aa5b1", "#d9dee3", "#52606d"
ON_DARK = {INK: "#e4e7eb", OURS: "#2fb58c", THEIRS: "#7b8794", BARE: "#4b5866", ENDS: "#b8c4ce"}

WIDTH, ROW, TOP = 7.5, 0.34, 0.95  # inches

INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color")
# Text stays text, of any sans-serif that the reader has.
SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "umqtt2", "font.family": "sans-serif", **dict.fromkeys(INKED, INK)}


@contextmanager
def drawn(path: Path, title: str = "", rows: int = 1, **more: Any) -> Iterator[Any]:
    """The axes, one below the other, of a figure of matplotlib with our colours, which is written into a file at the
    end. The same figure makes the same file.

    more  arguments of pyplot.subplots
    """
    try:
        import matplotlib
    except ImportError:
        raise ToolError("matplotlib is not installed; `make .venv/bench` does that") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    with matplotlib.rc_context(SETTINGS):
        figure, axes = pyplot.subplots(rows, 1, squeeze=False, layout="constrained", **more)
        if title:
            figure.suptitle(title, x=0.02, ha="left", fontsize=12, fontweight="bold")
        for each in axes[:, 0]:
            each.spines[["top", "right"]].set_visible(False)
        yield axes[:, 0]
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    path.write_text(in_both_colours(path.read_text(encoding="utf-8")), encoding="utf-8")


def bars(path: Path, title: str, panels: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Draw a panel for each heading, one below the other, with a bar for each client: the median of its samples, their
    lowest and their highest."""
    sizes = [len(panel) for panel in panels.values()]
    size = {"figsize": (WIDTH, TOP + ROW * (sum(sizes) + 1.6 * len(sizes))), "height_ratios": sizes}
    with drawn(path, title, len(sizes), **size) as axes:
        for ax, (heading, panel) in zip(axes, panels.items()):
            middles = [median(samples) for samples in panel.values()]
            low = [median(samples) - min(samples) for samples in panel.values()]
            high = [max(samples) - median(samples) for samples in panel.values()]
            ax.barh(
                list(panel),
                middles,
                color=[OURS if "umqtt2" in name else BARE if name == "bare socket" else THEIRS for name in panel],
                xerr=[low, high] if any(low + high) else None,
                error_kw={"ecolor": ENDS, "elinewidth": 1, "capsize": 2},
                height=0.68,
            )
            widest = max(*map(max, panel.values()), 1)
            for i, (middle, more) in enumerate(zip(middles, high)):
                ax.text(middle + more + widest * 0.012, i, number(middle), va="center", fontsize=9)
            ax.set_title(heading, loc="left", fontsize=10)
            ax.set_xlim(0, widest * 1.12)
            ax.invert_yaxis()
            ax.xaxis.set_visible(False)
            ax.tick_params(left=False, labelsize=9)
            ax.spines["bottom"].set_visible(False)


def in_both_colours(text: str) -> str:
    """The text of a picture that is drawn with our colours, with those of the page around it."""
    names = {colour: f"--c{colour[1:]}" for colour in ON_DARK}
    for colour, name in names.items():
        text = text.replace(colour, f"var({name})")
    light = "".join(f"{name}:{colour};" for colour, name in names.items())
    dark = "".join(f"{name}:{ON_DARK[colour]};" for colour, name in names.items())
    style = f"<style>svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}</style>"
    text = re.sub(r"(<svg [^>]*>)", lambda match: f"{match[1]}\n {style}", text, count=1)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
