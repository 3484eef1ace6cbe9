"""No profile takes more than size-budget.ini allows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.device import PROFILES, install
from tools.measure.budget import BYTES, bytes_on
from tools.measure.sizes import CLIENTS, TITLES, Figures, Laptop, cost, parts, running, table
from tools.tables import markdown

VERSION_5 = 4500  # bytes
HELP = "Make it smaller, or say in the commit why not: `python -m tools.measure sizes --write-budget`."
same_vm = pytest.mark.skipif(bytes_on() != BYTES.vm(), reason=f"heaps are those of {BYTES.vm()}")


@pytest.fixture(scope="module")
def rows() -> dict[str, Figures]:
    """What each profile takes."""
    return {profile: cost(CLIENTS[profile]) for profile in PROFILES}


@pytest.fixture(scope="module")
def laptop() -> Iterator[Laptop]:
    """It sends messages to be echoed."""
    with running() as found:
        yield found


def test_every_profile_has_a_budget() -> None:
    assert set(BYTES.read()) == set(PROFILES)


def test_version_5_is_one_small_file_of_full(tmp_path: Path) -> None:
    install("full", tmp_path)
    size = (tmp_path / "umqtt2" / "v5.mpy").stat().st_size
    assert size <= VERSION_5, HELP


@pytest.mark.parametrize("profile", PROFILES)
def test_bytes_and_import(profile: str, rows: dict[str, Figures]) -> None:
    measured = dict(rows[profile])
    if bytes_on() != BYTES.vm():
        del measured["import_heap"]
    too_much = BYTES.exceeded(profile, measured)
    if too_much:
        everything = {**rows, **{f"budget of {name}": limits for name, limits in BYTES.read().items()}}
        shown = markdown(table("", everything, {name: name for name in everything}, TITLES))
        pytest.fail("\n".join([*too_much, "", shown, HELP]), pytrace=False)


@same_vm
@pytest.mark.parametrize("heap", ["plain_heap", "tls_heap"])
@pytest.mark.parametrize("profile", PROFILES)
def test_smallest_heap(profile: str, heap: str, laptop: Laptop) -> None:
    limit = int(BYTES.read()[profile].get(heap, 0))
    if not limit:
        assert not CLIENTS[profile].tls
        return
    why = ""
    with tempfile.TemporaryDirectory() as folder:  # whose short name takes little of the heap
        CLIENTS[profile].lay_out(Path(folder), CLIENTS[profile].program, "echo")
        # Near the limit it depends on when garbage is collected, which varies from run to run.
        for _ in range(3):
            why = laptop.fails_in(Path(folder), heap == "tls_heap", limit)
            if not why:
                return
    why = f"the echo program does not run in {limit:,} bytes: {why}"
    pytest.fail(f"{profile}: {heap}: {why}\n{HELP}", pytrace=False)


def test_tables_of_some_clients_and_of_all(rows: dict[str, Figures]) -> None:
    shown = parts({"vm": "", "clients": rows})
    assert list(shown) == [""]
    assert [row[0] for row in shown[""].rows] == [*PROFILES, "simple must reach"]
