"""A short simulation: every client reconnects; and the calculation is right for known cases."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.measure.fleet import load, picture, text
from tools.measure.fleet.simulate import Outcome, simulate
from tools.paths import REPO
from tools.tables import filled, markdown, number

CLIENTS = 40
PAGE = REPO / "docs" / "reliability.md"


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    """With jitter and without."""
    return [simulate(CLIENTS, (0.1, 0.5), 0.5, jitter) for jitter in (True, False)]


def test_all_clients_come_back(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        assert len(outcome.back) == CLIENTS
        assert outcome.refused >= 0
        assert min(outcome.back) > outcome.returned
        assert outcome.peak(0, 1000) == len(outcome.attempts)


def test_tables(outcomes: list[Outcome]) -> None:
    for table in text.parts(*outcomes).values():
        assert {len(row) for row in table.rows} == {len(table.head)}


def test_picture(outcomes: list[Outcome], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="of the bench extra, which `make fleet` installs")
    picture.save(picture.figures(*outcomes), tmp_path / "fleet.json")
    found = json.loads((tmp_path / "fleet.json").read_text())
    assert found == picture.figures(*outcomes)
    assert sum(found["with jitter"]["back"]) == sum(found["without jitter"]["back"]) == CLIENTS
    drawn = picture.draw(found, tmp_path / "docs" / "fleet.svg").read_text()
    assert "40 clients whose broker is gone for" in drawn and "prefers-color-scheme:dark" in drawn


def test_the_pages_picture_shows_the_pages_figures() -> None:
    folder = PAGE.parent / "reliability"
    found = json.loads((folder / "fleet.json").read_text())
    rows = dict(re.findall(r"^\| ([\w ]+?) \| (.*?) \|$", PAGE.read_text(), re.MULTILINE))
    with_jitter, _, without = rows["attempts refused"].split(" | ")
    for name, refused in (("with jitter", with_jitter), ("without jitter", without)):
        attempts, back = sum(found[name]["attempts"]), sum(found[name]["back"])
        assert refused == number(attempts - back)
        assert back == found["clients"]
    assert f"{found['clients']:,} clients whose broker is gone for" in (folder / "fleet.svg").read_text()


def test_tables_go_into_the_page(outcomes: list[Outcome]) -> None:
    parts = {name: markdown(table) for name, table in text.parts(*outcomes).items()}
    written = filled(PAGE.read_text(), parts)
    assert all(part in written for part in parts.values())
    assert filled(written, parts) == written
    with pytest.raises(ToolError, match="measured"):
        filled("", parts)


def test_who_finds_the_broker_at_once_comes_within_the_first_time() -> None:
    curve = load.curve((4, 60), 0)
    assert curve.peak() == pytest.approx(1 / 4)
    assert curve.peak(4.1) == 0
    assert curve.attempts(100) == pytest.approx(1)


@pytest.mark.parametrize("outage", [0, 0.5, 1, 3, 10, 100])
def test_everyone_comes_once_after_the_return(outage: float) -> None:
    curve = load.curve((1, 8), outage)
    after = curve.attempts(1000) - curve.attempts(outage)
    assert after == pytest.approx(1, abs=1e-4)
    assert curve.until(0.99, outage) <= 8 + curve.step


def test_a_long_outage_leaves_two_attempts_in_the_longest_time() -> None:
    # Waits between 0 and 8 s, one after another, are 4 s long on average.
    assert load.peak(1000, (1, 8), 200) == pytest.approx(1000 / 4, rel=0.03)


@pytest.mark.parametrize("clients", [5_000, 100_000, 1_000_000])
@pytest.mark.parametrize("capacity", [200, 1_000])
def test_advised_backoff_keeps_the_load_below_what_the_broker_takes(clients: int, capacity: int) -> None:
    first, longest = load.advised(clients, capacity)
    assert clients * load.worst((first, longest)) <= capacity
    # Not more careful than it has to be.
    assert clients * load.worst((first / 2, longest)) > capacity
