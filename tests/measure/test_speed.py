"""The benchmark works: a short run, without requirements for speed."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import pytest

from tools.errors import ToolError
from tools.measure import published, speed
from tools.measure.instructions import MEASURED
from tools.paths import REPO
from tools.tables import Table, show

pytestmark = pytest.mark.timeout(480)  # a program for each client and figure


@pytest.fixture(scope="module")
def measured() -> Any:
    """Results of the shortest run there is."""
    try:
        return speed.measure(argparse.Namespace(rounds=1, seconds=0.001, shorter=20))
    except ToolError as error:
        pytest.fail(str(error), pytrace=False)


def test_every_client_has_its_figures(measured: Any) -> None:
    for machine, measures in speed.PLAN.items():
        for name, clients in measures.items():
            samples = measured["speed"][machine].get(name, {})
            assert all(len(samples[client]) == 1 and samples[client][0] > 0 for client in samples)
            assert not samples or list(samples) == clients


def test_exact_counts(measured: Any) -> None:
    assert measured["heap"]["umqtt2"]["idle check_msg"] == 0
    assert set(measured["writes"]["umqtt2"].values()) == {1}
    assert measured["writes"]["simple2"] == {"QoS 0": 4, "QoS 1": 5}


def test_instructions_of_every_client(measured: Any) -> None:
    if not measured["instructions"]:
        pytest.skip("valgrind does not run here")
    assert {client: list(found) for client, found in measured["instructions"].items()} == MEASURED
    assert measured["instructions"]["simple"]["qos0"] < measured["instructions"]["simple2"]["qos0"]


def test_tables(measured: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for part in speed.parts(measured).values():
        if isinstance(part, Table):
            show(part)
    assert capsys.readouterr().out.count("reached") == len(speed.claims(measured))


def test_document_and_pictures(measured: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="of the bench extra, which `make bench` installs")
    page = tmp_path / "performance.md"
    shutil.copy(REPO / "docs" / "performance.md", page)
    published.write(speed, measured, tmp_path)
    written = page.read_text(encoding="utf-8")
    assert measured["versions"]["vm"] in written
    drawn = [path.name for path in (tmp_path / "performance").iterdir()]
    assert len(drawn) == 5 and all(f"(performance/{name})" in written for name in drawn)
