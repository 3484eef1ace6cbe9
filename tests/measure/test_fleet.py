"""A short simulation: every client reconnects; and the calculation is right for known cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.errors import ToolError
from tools.measure import fleet, published
from tools.paths import REPO
from tools.tables import fill, markdown

CLIENTS = 40


@pytest.fixture(scope="module")
def figures() -> Any:
    """With jitter and without, as they are kept."""
    found = fleet.simulated(CLIENTS, (0.1, 0.5), 0.5)
    return json.loads(json.dumps(found))


def test_all_clients_come_back(figures: Any) -> None:
    for name in fleet.RUNS:
        back = figures[name]["back"]
        assert sum(back) == CLIENTS
        assert sum(figures[name]["attempts"]) >= CLIENTS
        assert not sum(back[: int(figures["returned"] / fleet.BIN)])


def test_tables_and_picture(figures: Any, tmp_path: Path) -> None:
    for table in fleet.parts(figures).values():
        assert {len(row) for row in table.rows} == {len(table.head)}
    pytest.importorskip("matplotlib", reason="of the bench extra, which `make fleet` installs")
    page = (REPO / "docs" / "reliability.md").read_text()
    (tmp_path / "reliability.md").write_text(page)
    published.write(fleet, figures, tmp_path)
    written = (tmp_path / "reliability.md").read_text()
    assert all(markdown(part) in written for part in fleet.parts(figures).values())
    assert "40 clients whose broker is gone for" in (tmp_path / "reliability" / "fleet.svg").read_text()


def test_a_page_without_a_place(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("")
    with pytest.raises(ToolError, match="measured"):
        fill(tmp_path / "page.md", {"fleet, measured": ""})


def test_a_curve() -> None:
    curve = fleet.Curve(0.5, [0, 4, 2, 2, 6, 0])
    assert (curve.peak(), curve.peak(0, 1), curve.peak(1, 1), curve.peak(3)) == (12, 6, 6, 0)
    assert (curve.before(1), curve.until(5, 0), curve.until(5, 1)) == (4, 1.5, 1.5)


def test_who_finds_the_broker_at_once_comes_within_the_first_time() -> None:
    curve = fleet.calculated((4, 60), 0)
    assert curve.peak() == pytest.approx(1 / 4)
    assert curve.peak(4.1) == 0
    assert curve.before(100) == pytest.approx(1)


@pytest.mark.parametrize("outage", [0, 0.5, 1, 3, 10, 100])
def test_everyone_comes_once_after_the_return(outage: float) -> None:
    curve = fleet.calculated((1, 8), outage)
    after = curve.before(1000) - curve.before(outage)
    assert after == pytest.approx(1, abs=1e-4)
    assert curve.until(0.99, outage) <= 8 + curve.step


def test_a_long_outage_leaves_two_attempts_in_the_longest_time() -> None:
    # Waits between 0 and 8 s, one after another, are 4 s long on average.
    assert fleet.peak((1, 8), 200) == pytest.approx(1 / 4, rel=0.03)


@pytest.mark.parametrize("clients", [5_000, 100_000, 1_000_000])
@pytest.mark.parametrize("capacity", [200, 1_000])
def test_advised_backoff_keeps_the_load_below_what_the_broker_takes(clients: int, capacity: int) -> None:
    first, longest = fleet.advised(clients, capacity)
    assert clients * fleet.worst((first, longest)) <= capacity
    # Not more careful than it has to be.
    assert clients * fleet.worst((first / 2, longest)) > capacity
