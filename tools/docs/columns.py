"""Our docstrings name arguments and methods in a column, with what they mean beside them. For the site,
make a list of it: Markdown would make one paragraph of it all."""

from __future__ import annotations

import re
from typing import Any

import griffe

ENTRY = re.compile(r"^( *)([\w.(][^ ].*?|\w) {2,}(\S.*)$")


class Columns(griffe.Extension):
    """Changes the docstrings that mkdocstrings shows."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called by griffe for each object that it has loaded."""
        if obj.docstring:
            obj.docstring.value = listed(obj.docstring.value)


def listed(text: str) -> str:
    """Return a docstring with its columns as lists."""
    out: list[str] = []
    column = -1  # where the meaning stands, within an entry
    for line in text.splitlines():
        entry = ENTRY.match(line)
        if entry and (column < 0 or len(entry[1]) < column):
            if column < 0 and out and out[-1]:
                out.append("")
            column = entry.start(3)
            out.append(f"- `{entry[2].strip()}`: {entry[3]}")
        elif column >= 0 and line[:column].strip() == "" and line.strip():
            out.append("  " + line.strip())
        else:
            if column >= 0 and line.strip() and out[-1]:
                out.append("")
            column = column if not line.strip() and column >= 0 else -1
            out.append(line)
    return "\n".join(out)
