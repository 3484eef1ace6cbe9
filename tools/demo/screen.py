"""What the demo shows: a live picture on a terminal, lines anywhere else; then a summary."""

from __future__ import annotations

import os
import sys
import time
from collections import deque

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

STYLES = {"device": "cyan", "laptop": "magenta", "cut": "bold red", "back": "bold green"}
OTHER_LINES = 20  # of the picture and the summary, besides the last lines: all of it fits on 24


class Screen:
    """Use it with `with`; `facts` are shown above the last lines."""

    def __init__(self, facts: dict[str, str]) -> None:
        self.facts = facts
        self.start = time.monotonic()
        self.console = Console(highlight=False)
        self.lines: deque[Text] = deque(maxlen=min(20, max(4, self.console.height - OTHER_LINES)))
        is_live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.live = Live(get_renderable=self._picture, console=self.console, refresh_per_second=8) if is_live else None

    def __enter__(self) -> Screen:
        if self.live:
            self.live.start()
        else:
            print("\n".join(f"{name}: {value}" for name, value in self.facts.items()), flush=True)
        return self

    def __exit__(self, *error: object) -> None:
        if self.live:
            self.live.stop()

    def say(self, side: str, text: str, style: str = "") -> None:
        """Show a line of one side, in its own style or in that of what has happened."""
        elapsed = time.monotonic() - self.start
        if not self.live:
            print(f"{elapsed:5.1f} s  {side} | {text}", flush=True)
        line = Text(f"{elapsed:4.1f} {side} ", STYLES[side], no_wrap=True, overflow="ellipsis")
        self.lines.append(line.append(text, STYLES.get(style, "default")))

    def summary(self, rows: dict[str, str], good: str) -> None:
        """Show the end; `good` is empty when it is none."""
        for name, value in rows.items():
            self.console.print(f"{name:<19}[bold]{value}[/]", soft_wrap=True)
        if good:
            self.console.print(good, style="bold green")

    def _picture(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for name, value in self.facts.items():
            table.add_row(name, Text(value, "bold", no_wrap=True, overflow="ellipsis"))
        return Group(Panel(table, title="umqtt2", title_align="left", padding=(0, 1)), *self.lines)
