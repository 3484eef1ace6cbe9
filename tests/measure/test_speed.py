"""The benchmark works: a short run, without requirements for speed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.measure.instructions.measure import CLIENTS
from tools.measure.speed import document, pictures, results, text
from tools.measure.speed.claims import claims
from tools.measure.speed.plan import FIGURES
from tools.paths import REPO
from tools.tables import show
from tools.testkit.tree import SOURCE

pytestmark = pytest.mark.timeout(480)  # a program for each client and figure


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> results.Results:
    """Results of the shortest run there is."""
    file = tmp_path_factory.mktemp("bench") / "results.json"
    try:
        found = results.measure(SOURCE, 1, 0.001, file, shorter=20)
    except ToolError as error:
        pytest.fail(str(error), pytrace=False)
    assert results.read(file) == found
    return found


def test_every_client_has_its_figures(measured: results.Results) -> None:
    for figure in FIGURES:
        samples = measured["speed"][figure.machine].get(figure.measure, {})
        assert all(len(samples[client]) == 1 and samples[client][0] > 0 for client in samples)
        assert not samples or list(samples) == figure.clients


def test_exact_counts(measured: results.Results) -> None:
    assert measured["heap"]["umqtt2"]["idle check_msg"] == 0
    assert set(measured["writes"]["umqtt2"].values()) == {1}
    assert measured["writes"]["simple2"] == {"QoS 0": 4, "QoS 1": 5}


def test_instructions_of_every_client(measured: results.Results) -> None:
    if not measured["instructions"]:
        pytest.skip("valgrind does not run here")
    assert {client: list(found) for client, found in measured["instructions"].items()} == CLIENTS
    assert measured["instructions"]["simple"]["qos0"] < measured["instructions"]["simple2"]["qos0"]


def test_table(measured: results.Results, capsys: pytest.CaptureFixture[str]) -> None:
    show(*text.tables(measured))
    assert capsys.readouterr().out.count("reached") == len(claims(measured))


def test_document_and_pictures(measured: results.Results, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="of the bench extra, which `make bench` installs")
    drawn = pictures.draw(measured, tmp_path)
    page = tmp_path / "performance.md"
    page.write_text((REPO / "docs" / "performance.md").read_text(encoding="utf-8"), encoding="utf-8")
    document.update(measured, page, tmp_path / "docs")
    written = page.read_text(encoding="utf-8")
    assert measured["versions"]["vm"] in written
    shown = [name for name in (path.name for path in drawn) if f"(performance/{name})" in written]
    assert sorted(shown) == sorted(path.name for path in drawn)
    pictures_of_page = {path.name: path.read_bytes() for path in (tmp_path / "docs").glob("*.svg")}
    assert {path.name for path in drawn} <= set(pictures_of_page)
    again = document.redraw(page, tmp_path / "again")
    assert pictures_of_page == {path.name: path.read_bytes() for path in again}


def test_the_pictures_are_those_of_the_documents_tables(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="of the bench extra, which `make bench` installs")
    drawn = document.redraw(folder=tmp_path)
    assert {path.name for path in drawn} == {path.name for path in document.PICTURES.iterdir()} - {"size.svg"}
    for path in drawn:
        same = path.read_bytes() == (document.PICTURES / path.name).read_bytes()
        assert same, f"{path.name}: not drawn since the table has changed; run `python -m tools.measure.speed --redraw`"
        picture = path.read_text(encoding="utf-8")
        assert "prefers-color-scheme:dark" in picture and "<text" in picture  # text that scales, in the page's colours


def test_nothing_measured_yet(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="make bench"):
        results.read(tmp_path / "results.json")
