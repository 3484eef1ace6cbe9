"""Our docstrings name arguments and methods in a column, with what they mean beside them. For the site,
make a list of it: Markdown would make one paragraph of it all."""

from __future__ import annotations

import re
from typing import Any

import griffe

# A name, its meaning, and the lines below that, which are indented.
ENTRY = r"(?m:^)( *)([\w.(][^ \n].*?|\w) {2,}(\S.*(?:\n+\1 {3,}\S.*)*)"


class Columns(griffe.Extension):
    """Changes the docstrings that mkdocstrings shows."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called by griffe for each object that it has loaded."""
        if obj.docstring:
            obj.docstring.value = listed(obj.docstring.value)


def listed(text: str) -> str:
    """Return a docstring with its columns as lists, each between empty lines."""
    return re.sub(rf"\n*(?:{ENTRY}\n*)+", _list, text).strip("\n")


def _list(column: re.Match[str]) -> str:
    return "\n\n" + re.sub(ENTRY, _item, column[0]).strip("\n") + "\n\n"


def _item(entry: re.Match[str]) -> str:
    return f"- `{entry[2]}`: " + re.sub("\n +", "\n  ", entry[3])
