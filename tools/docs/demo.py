"""docs/demo.svg, the demo's screen around its cut and at its end: `python -m tools.docs.demo` runs and draws it."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tools import errors
from tools.demo.run import main as run_demo
from tools.errors import ToolError
from tools.paths import REPO

PICTURE = REPO / "docs" / "demo.svg"
WIDTH = 80  # columns


def draw(screen: str, path: Path) -> None:
    """Draw some lines of a screen, with its control codes."""
    around = re.search(r"(.*\n){4}.*cuts the device off(.*\n)+?.*device \| \S*connected(.*\n){6}", screen)
    panel = re.search(r"^╭[^╭]*\Z", screen, re.MULTILINE)
    if not around or not panel:
        raise ToolError("demo: its screen does not show the cut, the connection after it, and the end")
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    console.print(Text.from_ansi(f"{around[0]}...\n{panel[0].rstrip()}"), no_wrap=True)
    svg = console.export_svg(title="make demo", theme=MONOKAI, unique_id="demo")
    # Any font of fixed width that the reader has: rich's would be loaded from another host.
    svg = re.sub(r"@font-face \{.*?\}|<!--.*?-->|Fira Code, ", "", svg, flags=re.DOTALL)
    path.write_text("".join(f"{line.rstrip()}\n" for line in svg.splitlines() if line.strip()), encoding="utf-8")


def main() -> None:
    """Run the demo, and draw it."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    failed = run_demo(console)
    if failed:
        sys.exit(failed)
    draw(console.export_text(styles=True), PICTURE)
    print(PICTURE.relative_to(REPO))


if __name__ == "__main__":
    errors.run_main(main)
