"""What a wake-up costs: some of the figures of docs/battery.md, which are the same on every machine."""

from __future__ import annotations

import pytest

from tools.errors import ToolError
from tools.measure import wakeup
from tools.paths import REPO

TITLES = ("umqtt.simple", "umqtt2", "umqtt2, eager", "umqtt2.robust", "umqtt2.aio, eager")


@pytest.fixture(scope="module")
def costs() -> wakeup.Costs:
    """What some of the clients cost."""
    try:
        return wakeup.costs(TITLES, ["commands", "waiting"])
    except ToolError as error:
        pytest.fail(str(error), pytrace=False)


def test_an_eager_client_waits_once_after_tcp(costs: wakeup.Costs) -> None:
    told = {title: costs["commands"][title]["TCP"].acknowledged for title in TITLES}
    assert told == dict(zip(TITLES, (4, 3, 2, 2, 2)))


def test_tls_costs_the_same_on_top_for_all(costs: wakeup.Costs) -> None:
    more = {costs["commands"][title]["TLS"].trips - costs["commands"][title]["TCP"].trips for title in TITLES}
    assert more in ({1}, {2})  # TLS 1.3, TLS 1.2


def test_a_hundred_readings_are_five_windows(costs: wakeup.Costs) -> None:
    assert costs["waiting"]["umqtt2.robust"]["TCP"].acknowledged == 1 + 5


def test_the_document_says_the_same(costs: wakeup.Costs) -> None:
    page = (REPO / "docs" / "battery.md").read_text(encoding="utf-8")
    for table in wakeup.parts(costs).values():
        for row in table.rows:
            assert f"| {' | '.join(row[:3])} |" in page  # bytes of TLS differ by some, with its signatures
