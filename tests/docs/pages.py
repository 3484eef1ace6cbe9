"""The pages of the documentation, and the Python blocks in them."""

from __future__ import annotations

import re
from pathlib import Path

from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser

from tools.paths import REPO

DOCS = REPO / "docs"
PAGES = [REPO / "README.md", *sorted(DOCS.glob("*.md"))]


def blocks(page: Path) -> list[str]:
    """Return the Python blocks of a page. Old programs on it are blocks of `py`, and not among them."""
    document = Sybil(parsers=[CodeBlockParser("python", lambda example: None)]).parse(page)
    return [str(example.parsed) for example in document.examples()]


def headings(page: Path) -> list[str]:
    """Return the heading above each of them."""
    found = []
    heading = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        match = re.match(r"##+ (.*)", line)
        if match:
            heading = match[1]
        elif line == "```python":
            found.append(heading)
    return found


def old_programs(page: Path) -> list[str]:
    """Return the blocks with programs for other clients."""
    return re.findall(r"^```py\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def fenced(page: Path, language: str) -> list[tuple[str, str]]:
    """Return the blocks in another language, each with the heading above it."""
    found = []
    heading = ""
    text = page.read_text(encoding="utf-8")
    parts = re.findall(r"^##+ ([^\n]*)$|^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for title, name, text in parts:
        heading = title or heading
        if name == language:
            found.append((heading, text))
    return found
