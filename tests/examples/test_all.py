"""Every example has a test."""

from __future__ import annotations

from pathlib import Path

from tests.examples.board import EXAMPLES

SETTINGS = "config.py"


def test_every_example_has_a_test() -> None:
    examples = {path.stem for path in EXAMPLES.glob("*.py") if path.name != SETTINGS}
    tested = {path.stem[len("test_") :] for path in Path(__file__).parent.glob("test_*.py")}
    assert examples - tested == set()
