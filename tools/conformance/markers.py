"""Which tests say that they show a statement."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.paths import REPO

TESTS = REPO / "tests"
Tests = dict[str, list[str]]  # the names of the tests, by the number of the statement that they show
QUIETLY = ("--collect-only", "-qq", "-p", "no:cacheprovider")


class Collector:
    """A pytest plugin that notes markers of all tests."""

    def __init__(self, markers: list[str]) -> None:
        self.found: dict[str, Tests] = {marker: {} for marker in markers}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Called by pytest with the collected tests."""
        for item in session.items:
            if item.get_closest_marker("xfail"):
                continue  # an expected failure does not show the statement
            name = f"{Path(item.path).relative_to(TESTS)}::{getattr(item, 'originalname', item.name)}"
            for marker in item.iter_markers():
                if marker.name in self.found:
                    self._note(self.found[marker.name], marker.args, name)

    def _note(self, tests: Tests, numbers: tuple[str, ...], name: str) -> None:
        for number in numbers:
            names = tests.setdefault(number, [])
            if name not in names:
                names.append(name)


def collect(markers: list[str]) -> dict[str, Tests]:
    """For each marker, the tests that have it. Runs none of them."""
    collector = Collector(markers)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main([*QUIETLY, str(TESTS)], plugins=[collector])
    if code != pytest.ExitCode.OK:
        raise ToolError(f"pytest cannot collect the tests:\n{said.getvalue()}")
    return {
        marker: {number: sorted(names) for number, names in tests.items()}
        for marker, tests in collector.found.items()
    }
