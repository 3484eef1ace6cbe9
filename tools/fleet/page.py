"""The tables of docs/reliability.md that the simulation writes, each between two comments with its name."""

from __future__ import annotations

import re

from tools.errors import ToolError
from tools.fleet.text import Table, markdown
from tools.paths import REPO

PAGE = REPO / "docs" / "reliability.md"


def write(tables: dict[str, Table]) -> None:
    """Put the tables into the page."""
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")


def replaced(page: str, tables: dict[str, Table]) -> str:
    """The page with other tables."""
    for name, table in tables.items():
        begin, end = f"<!-- fleet, {name}: begin -->\n", f"<!-- fleet, {name}: end -->"
        lines = "\n".join(["", *markdown(table), "", ""])
        page, count = re.subn(f"{begin}.*?{end}", f"{begin}{lines}{end}", page, flags=re.DOTALL)
        if count != 1:
            raise ToolError(f"fleet: {PAGE.name} has no place for the table {name!r}")
    return page
