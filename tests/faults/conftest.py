"""Fixtures: the parts of the chaos run, for a tree of the package."""

from __future__ import annotations

from typing import Callable

import pytest

from tests.faults.chaos import Chaos
from tests.faults.device import lay_out
from tools.errors import ToolError


@pytest.fixture(scope="session")
def chaos_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Chaos]:
    """Return the chaos run of a tree; "full in 60" is the build `full` in a heap of 60 KB."""
    made: dict[str, Chaos] = {}

    def get(tree: str) -> Chaos:
        if tree not in made:
            folder = tmp_path_factory.mktemp(f"faults-{tree}")
            name, _, kilobytes = tree.partition(" in ")
            try:
                made[tree] = Chaos(folder, lay_out(folder / "tree", name, int(kilobytes or 0)))
            except ToolError as error:
                pytest.fail(str(error), pytrace=False)
        return made[tree]

    return get


@pytest.fixture
def chaos(chaos_of: Callable[[str], Chaos]) -> Chaos:
    """The chaos run of the build `full` in a heap of 48 KB."""
    return chaos_of("full")
