"""Which tests say that they show a statement."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.paths import REPO

TESTS = REPO / "tests"
QUIETLY = ("--collect-only", "-qq", "-p", "no:cacheprovider")


class Collector:
    """A pytest plugin that notes the `mqtt` markers of all tests."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Called by pytest with the collected tests."""
        for item in session.items:
            if item.get_closest_marker("xfail"):
                continue  # an expected failure does not show the statement
            name = f"{Path(item.path).relative_to(TESTS)}::{getattr(item, 'originalname', item.name)}"
            for marker in item.iter_markers("mqtt"):
                for number in marker.args:
                    names = self.found.setdefault(number, [])
                    if name not in names:
                        names.append(name)


def collect() -> dict[str, list[str]]:
    """The names of the tests, by the number of the statement that they show. Runs none of them."""
    collector = Collector()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main([*QUIETLY, str(TESTS)], plugins=[collector])
    if code != pytest.ExitCode.OK:
        raise ToolError(f"pytest cannot collect the tests:\n{said.getvalue()}")
    return {number: sorted(names) for number, names in collector.found.items()}
