"""Stores with a mistake on a real device: a chaos run that could not fail would be worth nothing."""

from __future__ import annotations

import asyncio
from typing import Callable

import pytest

from tests.faults.chaos import Chaos
from tests.faults.judge import DOUBLED, LOST, ORDER, STATUS

SEEN = {
    "Loses": {LOST, STATUS},
    "Reorders": {ORDER},
    "PublishesAgain": {DOUBLED},
    "DeliversAgain": {DOUBLED},
}


@pytest.mark.parametrize("store", SEEN)
def test_judge_sees_it(chaos_of: Callable[[str], Chaos], store: str) -> None:
    totals = asyncio.run(chaos_of("source").every_byte(["cut"], step=11, spoiled=store))
    print(*totals.lines(), sep="\n")
    assert set(totals.problems) == SEEN[store]
