"""Fixtures: the parts of the chaos run, for a kind of device."""

from __future__ import annotations

from typing import Callable

import pytest

from tests.faults.chaos import Chaos
from tests.faults.device import USUAL, lay_out
from tools.errors import ToolError


@pytest.fixture(scope="session")
def chaos_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Chaos]:
    """Return the chaos run of a kind of device."""
    made: dict[str, Chaos] = {}

    def get(kind: str) -> Chaos:
        if kind not in made:
            folder = tmp_path_factory.mktemp(f"faults-{kind}")
            try:
                made[kind] = Chaos(folder, lay_out(folder / "tree", kind))
            except ToolError as error:
                pytest.fail(str(error), pytrace=False)
        return made[kind]

    return get


@pytest.fixture
def chaos(chaos_of: Callable[[str], Chaos]) -> Chaos:
    """The chaos run of the build `full` in a heap of 48 KB."""
    return chaos_of(USUAL)
