"""What the pages tell to type is there: commands, targets of make, modules and files of the checkout."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, fenced
from tools.paths import REPO

TARGETS = set(re.findall(r"^([a-z-]+):", (REPO / "Makefile").read_text(), re.MULTILINE))
FOLDERS = ("compat", "docs", "examples", "manifests", "tests", "tools", "umqtt2")


def code(page: Path) -> list[str]:
    """Each line of a page for the shell, and each word of code in its text."""
    text = page.read_text(encoding="utf-8")
    lines = [line for _, block in fenced(page, "sh") for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("page", [*PAGES, REPO / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_what_is_typed_is_there(page: Path) -> None:
    for line in code(page):
        # Debian has no `python`, and mpremote is in .venv.
        assert not re.match(r"(.*\| )?(python|mpremote|pytest) [a-z-]", line), line
        for targets in re.findall(r"^make ([a-z][a-z -]*)", line):
            assert set(targets.split()) <= TARGETS, line
        for module in re.findall(r"-m ((?:tools|tests|umqtt2)[\w.]*)", line):
            assert find_spec(module), line
        for path in re.findall(rf"^(?:\.\./)?((?:{'|'.join(FOLDERS)})/[\w./-]*\w)/?$", line):
            assert (REPO / path).exists(), line


def test_the_house_has_every_module() -> None:
    house = (REPO / "docs" / "design.md").read_text(encoding="utf-8").split("```")[1]
    for path in sorted((REPO / "umqtt2").iterdir()):
        if path.suffix == ".py" or (path / "__init__.py").exists():
            assert re.search(rf"\b{path.name}\b", house), f"{path.name} is missing in docs/design.md"
