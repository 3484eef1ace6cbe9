"""The figures that the documentation shows: docs/figures.json, of which its tables and pictures are made."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from tools.paths import REPO
from tools.tables import Table, fill, markdown

DOCS = REPO / "docs"
FIGURES = DOCS / "figures.json"


def read(name: str) -> Any:
    """The published figures of a measurement."""
    return json.loads(FIGURES.read_text(encoding="utf-8"))[name]


def keep(name: str, figures: dict[str, Any]) -> Any:
    """Publish figures of a measurement. Those of clients that were not measured this time stay; give all."""
    found = json.loads(FIGURES.read_text(encoding="utf-8"))
    found[name] = _merged(found.get(name, {}), figures)
    text = json.dumps(found, indent=1)
    text = re.sub(r"\[\s+([^][{}]*?)\s+\]", lambda match: f"[{' '.join(match[1].split())}]", text)
    FIGURES.write_text(text + "\n", encoding="utf-8")
    return found[name]


def write(module: ModuleType, figures: Any, docs: Path = DOCS) -> None:
    """Write a measurement's tables into its pages, below `docs`, and draw its pictures."""
    parts = {name: markdown(part) if isinstance(part, Table) else part for name, part in module.parts(figures).items()}
    for name, places in module.PAGES.items():
        fill(docs / name, {place: parts[place] for place in places})
    if hasattr(module, "draw"):
        module.draw(figures, docs)


def _merged(old: Any, new: Any) -> Any:
    if not (new and isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{name: _merged(old.get(name), value) for name, value in new.items()}}
