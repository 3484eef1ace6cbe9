"""What a wake-up costs: some of the figures of docs/battery.md, which are the same on every machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.measure.wakeup import __main__ as shown
from tools.measure.wakeup import costs as wakeup
from tools.paths import REPO
from tools.tables import markdown

TITLES = ("umqtt.simple", "umqtt2", "umqtt2, eager", "umqtt2.robust", "umqtt2.aio, eager")
CLIENTS = [client for client in wakeup.CLIENTS if client.title in TITLES]


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> wakeup.Costs:
    """What some of the clients cost."""
    try:
        return wakeup.measure(tmp_path_factory.mktemp("wakeup"), CLIENTS, ["commands", "waiting"])
    except ToolError as error:
        pytest.fail(str(error), pytrace=False)


def test_an_eager_client_waits_once_after_tcp(costs: wakeup.Costs) -> None:
    told = {title: costs["commands", False, title].acknowledged for title in TITLES}
    assert told == dict(zip(TITLES, (4, 3, 2, 2, 2)))


def test_tls_costs_the_same_on_top_for_all(costs: wakeup.Costs) -> None:
    more = {costs["commands", True, title].trips - costs["commands", False, title].trips for title in TITLES}
    assert more in ({1}, {2})  # TLS 1.3, TLS 1.2


def test_a_hundred_readings_are_five_windows(costs: wakeup.Costs) -> None:
    assert costs["waiting", False, "umqtt2.robust"].acknowledged == 1 + 5


def test_the_document_says_the_same(costs: wakeup.Costs, tmp_path: Path) -> None:
    page = (REPO / "docs" / "battery.md").read_text(encoding="utf-8")
    for scenario in ("commands", "waiting"):
        for row in shown.table(costs, scenario).rows:
            assert f"| {' | '.join(row[:3])} |" in page  # bytes of TLS differ by some, with its signatures
    pytest.importorskip("matplotlib", reason="of the bench extra, which `make bench` installs")
    copy = tmp_path / "battery.md"
    copy.write_text(page, encoding="utf-8")
    costs |= {("qos1", secure, title): costs["commands", secure, title] for title in TITLES for secure in (False, True)}
    shown.update(costs, copy)
    assert "umqtt2.aio" in (tmp_path / "battery" / shown.PICTURE).read_text(encoding="utf-8")
    assert markdown(shown.table(costs, "waiting")) in copy.read_text(encoding="utf-8")
