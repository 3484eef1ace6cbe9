"""The tables of docs/boards.md and docs/performance.md that have the sizes, written with the budget."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tools.measure.sizes.figures import PLAIN_HEAP, TLS_HEAP, Figures
from tools.paths import REPO
from tools.tables import cells, number, value

BOARDS, PERFORMANCE = REPO / "docs" / "boards.md", REPO / "docs" / "performance.md"
COLUMNS = {
    BOARDS: ["mpy_bytes", "import_heap", PLAIN_HEAP, TLS_HEAP],
    PERFORMANCE: ["mpy_bytes", "loaded_bytes", "import_heap", "tls_import_heap", PLAIN_HEAP, TLS_HEAP],
}
PROFILES = ("core", "simple", "simple5", "full", "aio")
# From the first cell of a row to the client, as `clients` names it. A part of a profile has no files of its own.
ROWS = {
    BOARDS: {**{f"`{name}`": name for name in PROFILES}, "`full`, `umqtt2.aio`": "aio, of full"},
    PERFORMANCE: {
        **{f"umqtt2, {name}": name for name in PROFILES},
        "umqtt2, simple5 (MQTT 5 alone)": "simple5",
        "umqtt2, aio (`umqtt2.aio`, with asyncio)": "aio",
        "its `umqtt2.robust`, all that it loads": "robust, of full",
        "its `umqtt2.aio`, likewise, with asyncio": "aio, of full",
    },
}


def write(rows: Mapping[str, Figures]) -> None:
    """Put figures into the pages; what was not measured stays."""
    for page in COLUMNS:
        page.write_text(replaced(page, page.read_text(encoding="utf-8"), rows), encoding="utf-8")


def replaced(page: Path, text: str, rows: Mapping[str, Figures]) -> str:
    """The text of a page with other figures."""
    lines = text.splitlines()
    for i, line in enumerate(lines):
        client, row = _row(page, line)
        if client in rows:
            for place, name in enumerate(COLUMNS[page], 1):
                if rows[client].get(name) is not None and not (name == "mpy_bytes" and " of " in client):
                    row[place] = number(rows[client][name])
            lines[i] = "|" + "|".join(f" {cell} " if cell else " " for cell in row) + "|"
    return "\n".join(lines) + "\n"


def figures(page: Path) -> dict[str, Figures]:
    """The figures of a page, by client."""
    found: dict[str, Figures] = {}
    for line in page.read_text(encoding="utf-8").splitlines():
        client, row = _row(page, line)
        if client:
            found[client] = dict(zip(COLUMNS[page], (value(cell) if cell else None for cell in row[1:])))
    return found


def _row(page: Path, line: str) -> tuple[str, list[str]]:
    # The client of a line, and the cells; no client where it is not one of our rows.
    row = cells(line)
    return ROWS[page].get(row[0], "") if len(row) == len(COLUMNS[page]) + 1 else "", row
