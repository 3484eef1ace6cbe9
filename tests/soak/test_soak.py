"""The soak test in short: nothing is lost, and the heap is afterwards what it was before."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from tests.soak.found import Found
from tests.soak.play import play, tally

SAID = {"free": 9000, "ups": 3, "delivered": 6, "received": 6, "skipped": 0, "again": 2}
CLEAN = Found(2, 4, 2, {**SAID, "ups": 2}, SAID, [1, 1, 2, 1, 1, 1], 0, 1.5)


def test_nothing_is_lost_and_the_heap_does_not_shrink(tmp_path: Path) -> None:
    found = asyncio.run(play(tmp_path, 1500, warm_up=300, every=300))
    assert found.problems() == []
    assert found.breaks >= 3
    assert found.done["ups"] > found.settled["ups"] >= 2  # connections


def test_a_clean_run_has_no_problems() -> None:
    assert CLEAN.problems() == []
    assert "to broker  6 of 6, and 1 again" in CLEAN.lines()


@pytest.mark.parametrize(
    "change",
    [
        {"arrived": [1, 0, 2, 1, 1, 1]},
        {"strange": 1},
        {"done": {**SAID, "delivered": 5}},
        {"done": {**SAID, "skipped": 1}},
        {"done": {**SAID, "received": 5}},
        {"done": {**SAID, "free": 8984}},
        {"done": {**SAID, "ups": 1}},
    ],
)
def test_what_is_wrong_is_noticed(change: dict[str, object]) -> None:
    assert len(dataclasses.replace(CLEAN, **change).problems()) == 1


def test_messages_are_counted_by_their_number() -> None:
    messages = [("soak", "0 0"), ("soak", "2 0"), ("soak", "2 1"), ("soak", "7 1")]
    assert tally(messages, 3) == ([1, 0, 2], 1)
