"""What a wake-up costs: some of the figures of docs/battery.md, which are the same on every machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.bench import awake
from tools.errors import ToolError
from tools.paths import REPO

TITLES = ("umqtt.simple", "umqtt2", "umqtt2, eager", "umqtt2.robust", "umqtt2.aio, eager")
CLIENTS = [client for client in awake.CLIENTS if client.title in TITLES]


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> awake.Costs:
    """What some of the clients cost."""
    try:
        return awake.measure(tmp_path_factory.mktemp("awake"), CLIENTS, ["commands", "waiting"])
    except ToolError as error:
        pytest.fail(str(error), pytrace=False)


def test_an_eager_client_waits_once_after_tcp(costs: awake.Costs) -> None:
    told = {title: costs["commands", False, title].acknowledged for title in TITLES}
    assert told == dict(zip(TITLES, (4, 3, 2, 2, 2)))


def test_tls_costs_the_same_on_top_for_all(costs: awake.Costs) -> None:
    more = {costs["commands", True, title].trips - costs["commands", False, title].trips for title in TITLES}
    assert more in ({1}, {2})  # TLS 1.3, TLS 1.2


def test_a_hundred_readings_are_five_windows(costs: awake.Costs) -> None:
    assert costs["waiting", False, "umqtt2.robust"].acknowledged == 1 + 5


def test_the_document_says_the_same(costs: awake.Costs, tmp_path: Path) -> None:
    page = (REPO / "docs" / "battery.md").read_text(encoding="utf-8")
    for scenario in ("commands", "waiting"):
        for row in awake.rows(costs, scenario):
            assert f"| {' | '.join(row[:3])} |" in page  # bytes of TLS differ by some, with its signatures
    pytest.importorskip("matplotlib", reason="of the bench extra, which `make bench` installs")
    copy = tmp_path / "battery.md"
    copy.write_text(page, encoding="utf-8")
    costs |= {("qos1", secure, title): costs["commands", secure, title] for title in TITLES for secure in (False, True)}
    awake.update(costs, copy)
    assert "umqtt2.aio" in (tmp_path / "battery" / awake.PICTURE).read_text(encoding="utf-8")
    assert copy.read_text(encoding="utf-8").startswith(page.partition(awake.START)[0])
