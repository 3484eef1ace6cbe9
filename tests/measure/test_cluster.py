"""What `make cluster` makes of a run: losses, times without a connection, text and page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.measure.cluster import page
from tools.measure.cluster.results import Client, compare
from tools.measure.cluster.run import KINDS, Outcome
from tools.tables import filled


@pytest.fixture
def outcome() -> Outcome:
    events = [(0.0, True), (4.0, False), (4.5, True), (6.0, False), (7.5, True), (9.0, False)]
    clients = [Client(f"{i:02}", kind, list(events), 3) for i, kind in enumerate(KINDS)]
    return Outcome(clients, [("SIGTERM", 1, 4.0, 8.0)], [], 12, 0, 10.0)


def test_the_end_is_not_a_time_without_a_connection(outcome: Outcome) -> None:
    assert outcome.clients[0].offline() == [(4.0, 4.5), (6.0, 7.5)]
    assert outcome.clients[0].longest() == 1.5


def test_what_did_not_come_is_lost_and_what_came_again_is_doubled() -> None:
    clients = [Client("00", KINDS[0], published=3), Client("01", KINDS[1], published=1)]
    assert compare(clients, ["00 0", "00 2", "00 2", "01 0"]) == (["00 1"], 1)
    assert compare(clients, ["01 0", "00 2", "00 1", "00 0"]) == ([], 0)


def test_the_text_has_each_kind(outcome: Outcome) -> None:
    text = page.text(outcome)
    assert "**lost 0**" in text
    assert all(f"| {kind} | 1 | 2 | 1.5 s | 2.0 s |" in text for kind in KINDS)


def test_the_page_gets_other_figures() -> None:
    new = filled(page.PAGE.read_text(encoding="utf-8"), {"from the run": "figures"})
    assert "begin -->\n\nfigures\n\n<!--" in new
    assert "**lost" not in new


def test_the_same_results_make_the_same_picture(outcome: Outcome, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("one", "two"):
        page.draw(outcome, tmp_path / name / "offline.svg")
    assert (tmp_path / "one/offline.svg").read_bytes() == (tmp_path / "two/offline.svg").read_bytes()
