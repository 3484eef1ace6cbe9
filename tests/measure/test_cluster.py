"""What `make cluster` makes of a run: losses, times without a connection, text and picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.measure.cluster import KINDS, compare, draw, offline, parts


@pytest.fixture
def run() -> Any:
    events = [(10.0, True), (14.0, False), (14.5, True), (16.0, False), (17.5, True), (19.0, False)]
    return {
        **{"date": "today", "published": 12, "seconds": 10.0, "lost": 0, "doubled": 0},
        "restarts": [("SIGTERM", 1, 4.0, 8.0)],
        "offline": [[kind, offline(events, 10.0)] for kind in KINDS],
    }


def test_the_end_is_not_a_time_without_a_connection(run: Any) -> None:
    assert run["offline"][0] == [KINDS[0], [(4.0, 4.5), (6.0, 7.5)]]


def test_what_did_not_come_is_lost_and_what_came_again_is_doubled() -> None:
    published = {"00": 3, "01": 1}
    assert compare(published, ["00 0", "00 2", "00 2", "01 0"]) == (["00 1"], 1)
    assert compare(published, ["01 0", "00 2", "00 1", "00 0"]) == ([], 0)


def test_the_text_has_each_kind(run: Any) -> None:
    found = parts(run)
    assert "4 clients published 12 messages" in found["cluster, the run"] and "**lost 0**" in found["cluster, the run"]
    assert found["cluster"].rows == [[kind, "1", "2", "1.5 s", "2.0 s"] for kind in KINDS]


def test_the_same_results_make_the_same_picture(run: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="of the bench extra, which `make cluster` installs")
    for name in ("one", "two"):
        draw(run, tmp_path / name)
    one, two = (tmp_path / name / "cluster" / "offline.svg" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
