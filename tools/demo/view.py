"""The output of the demo: two live panels on a terminal, lines with prefixes anywhere else."""

from __future__ import annotations

import os
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

DEVICE, LAPTOP = "device", "laptop"
STYLES = {DEVICE: "cyan", LAPTOP: "magenta"}
SUMMARY_LINES = 13  # kept free below the panels, so that the end fits on one screen with them


class View(ABC):
    """Shows the messages of both sides, then a summary. Use it with `with`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.start = time.monotonic()
        self.began = False

    @property
    def elapsed(self) -> float:
        """Seconds since the device was switched on, or since the view was made."""
        return time.monotonic() - self.start

    def begin(self, broker: str, device: str) -> None:
        """Say what is about to run; the clock starts."""
        self.start = time.monotonic()
        self.began = True
        self.opening(broker, device)

    def __enter__(self) -> View:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:  # noqa: B027
        """Restore the terminal."""

    def tick(self) -> None:  # noqa: B027  (not every view has to)
        """Called a few times a second."""

    @abstractmethod
    def opening(self, broker: str, device: str) -> None:
        """Show what is about to run."""

    @abstractmethod
    def say(self, side: str, text: str, strong: bool = False) -> None:
        """Show a line of one side; `strong` for important lines."""

    @abstractmethod
    def summary(self, rows: Iterable[tuple[str, str]], good: str) -> None:
        """Show the end; `good` is empty when it is none."""


class PlainView(View):
    """Lines: for a pipe, a log or a terminal that can do no more."""

    def opening(self, broker: str, device: str) -> None:
        """Show what is about to run."""
        print(f"broker: {broker}\ndevice: {device}", flush=True)

    def say(self, side: str, text: str, strong: bool = False) -> None:
        """Show a line of one side."""
        print(f"{self.elapsed:5.1f} s  {side} | {text}", flush=True)

    def summary(self, rows: Iterable[tuple[str, str]], good: str) -> None:
        """Show the end."""
        print("\nsummary")
        for name, value in rows:
            print(f"  {name:36}{value}")
        if good:
            print(f"\n{good}", flush=True)


class LiveView(View):
    """Two panels side by side."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.broker = self.device = ""
        self.lines: dict[str, deque[Text]] = {side: deque(maxlen=60) for side in STYLES}
        self.console = Console(highlight=False)
        self.live = Live(console=self.console, auto_refresh=False)

    def stop(self) -> None:
        """Restore the terminal."""
        self.live.stop()

    def opening(self, broker: str, device: str) -> None:
        """Show what is about to run."""
        self.broker = broker
        self.device = device
        self.live.start()
        self.tick()

    def tick(self) -> None:
        """Draw it all again."""
        if self.live.is_started:
            self.live.update(self._picture(), refresh=True)

    def say(self, side: str, text: str, strong: bool = False) -> None:
        """Show a line of one side."""
        line = Text(f"{self.elapsed:4.1f}  ", style="dim", no_wrap=True, overflow="ellipsis")
        line.append(text, style="not dim bold yellow" if strong else "not dim")
        self.lines[side].append(line)
        self.tick()

    def summary(self, rows: Iterable[tuple[str, str]], good: str) -> None:
        """Show the end."""
        self.tick()
        self.live.stop()
        table = Table.grid(padding=(0, 2))
        for name, value in rows:
            table.add_row(f"  {name}", Text(value, style="bold"))
        self.console.print()
        self.console.print(table)
        if good:
            self.console.print(f"\n{good}", style="bold green")

    def _picture(self) -> RenderableType:
        height = max(5, min(20, self.console.height - SUMMARY_LINES))
        picture = Table.grid(expand=True)
        picture.add_column(ratio=1)
        picture.add_column(ratio=1)
        picture.add_row(
            self._panel(DEVICE, "device", self.device, height),
            self._panel(LAPTOP, "broker's side (laptop)", self.broker, height),
        )
        # The last line is short: a terminal's ^C appears there and does not break the panels.
        elapsed = min(self.elapsed, self.seconds)
        return Group(picture, Text(f"{elapsed:4.1f} of {self.seconds:g} s   (Ctrl-C ends it)", style="dim"))

    def _panel(self, side: str, title: str, detail: str, height: int) -> Panel:
        lines = list(self.lines[side])[-(height - 2) :]
        body = Text("\n", no_wrap=True, overflow="ellipsis").join(lines)
        return Panel(
            body,
            title=f"[bold]{title}[/]",
            title_align="left",
            subtitle=Text(detail),
            subtitle_align="left",
            border_style=STYLES[side],
            height=height,
        )


def make_view(seconds: float) -> View:
    """The view that fits where the output goes."""
    live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return LiveView(seconds) if live else PlainView(seconds)
