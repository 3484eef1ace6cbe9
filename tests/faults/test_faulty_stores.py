"""The chaos run finds the mistakes of faulty session stores."""

from __future__ import annotations

import asyncio
from typing import Callable

import pytest

from tests.faults.chaos import Chaos
from tests.faults.checker import DOUBLED, LOST, ORDER, STATUS
from tests.faults.device import SOURCE

EXPECTED = {
    "Loses": {LOST, STATUS},
    "Reorders": {ORDER},
    "PublishesAgain": {DOUBLED},
    "DeliversAgain": {DOUBLED},
}


@pytest.mark.parametrize("store", EXPECTED)
def test_checker_finds_it(chaos_of: Callable[[str], Chaos], store: str) -> None:
    found: set[str] = set()
    for first in range(5):  # on a busy machine the faults of one run may miss the moment that shows it
        totals = asyncio.run(chaos_of(SOURCE).every_byte(["cut"], step=11, first=first, store=store))
        print(*totals.lines(), sep="\n")
        found |= set(totals.problems)
        if found >= EXPECTED[store]:
            break
    assert found == EXPECTED[store]
