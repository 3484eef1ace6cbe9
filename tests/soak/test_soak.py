"""A short soak test: nothing is lost, and afterwards as much of the heap is free as before."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tests.soak.results import Results
from tests.soak.runner import count_arrivals, soak

FACTS = {"free": 9000, "ups": 3, "delivered": 6, "received": 6, "skipped": 0, "again": 2}
CLEAN = Results(2, 4, 2, {**FACTS, "ups": 2}, FACTS, [1, 1, 2, 1, 1, 1], 0, 1.5)


@pytest.mark.parametrize("five", [False, True])
def test_nothing_is_lost_and_the_heap_does_not_shrink(tmp_path: Path, five: bool) -> None:
    results = asyncio.run(soak(tmp_path, 1500, warm_up=300, every=300, five=five))
    assert results.problems() == []
    assert results.breaks >= 3
    assert results.done["ups"] > results.warm["ups"] >= 2  # connections


def test_a_clean_run_has_no_problems() -> None:
    assert CLEAN.problems() == []
    assert "to broker  6 of 6, and 1 again" in CLEAN.lines()


@pytest.mark.parametrize(
    "change",
    [
        {"arrived": [1, 0, 2, 1, 1, 1]},
        {"unexpected": 1},
        {"done": {**FACTS, "delivered": 5}},
        {"done": {**FACTS, "skipped": 1}},
        {"done": {**FACTS, "received": 5}},
        {"done": {**FACTS, "free": 8984}},
        {"done": {**FACTS, "ups": 1}},
    ],
)
def test_each_problem_is_reported(change: dict[str, Any]) -> None:
    assert len(dataclasses.replace(CLEAN, **change).problems()) == 1


def test_messages_are_counted_by_their_number() -> None:
    messages = [("soak", "0 0"), ("soak", "2 0"), ("soak", "2 1"), ("soak", "7 1")]
    assert count_arrivals(messages, 3) == ([1, 0, 2], 1)
