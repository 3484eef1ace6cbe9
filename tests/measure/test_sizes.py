"""No profile takes more than size-budget.ini allows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.device import PROFILES, install
from tools.measure.budget import BYTES, bytes_on
from tools.measure.sizes import figures, table
from tools.measure.sizes.clients import CLIENTS
from tools.measure.sizes.echo import Echo, Endpoints, prepared, running
from tools.measure.sizes.figures import PLAIN_HEAP, TLS_HEAP, Figures
from tools.tables import text

VERSION_5 = 4500  # bytes
HELP = "Make it smaller, or say in the commit why not: `python -m tools.measure.sizes --write-budget`."
same_vm = pytest.mark.skipif(bytes_on() != BYTES.vm(), reason=f"heaps are those of {BYTES.vm()}")


@pytest.fixture(scope="module")
def rows() -> dict[str, Figures]:
    """What each profile takes."""
    return {profile: figures.costs(CLIENTS[profile]) for profile in PROFILES}


@pytest.fixture(scope="module")
def endpoints() -> Iterator[Endpoints]:
    """How to reach a broker, to which a laptop is connected that sends messages to be echoed."""
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
        everything: dict[str, Figures] = {"budget of " + name: {**limits} for name, limits in BYTES.read().items()}
        shown = text(table.clients("What the profiles take, in bytes", {**rows, **everything}))
        pytest.fail("\n".join([*too_much, "", shown, HELP]), pytrace=False)


def check(echo: Echo, profile: str, heap: str) -> None:
    limit = int(BYTES.read()[profile][heap])
    # Near the limit it depends on when garbage is collected, which varies from run to run.
    if not any(echo.runs_in(limit) for _ in range(3)):
        why = f"the echo program does not run in {limit:,} bytes: {echo.why}"
        pytest.fail(f"{profile}: {heap}: {why}\n{HELP}", pytrace=False)


@same_vm
@pytest.mark.parametrize("profile", PROFILES)
def test_plain_heap(profile: str, endpoints: Endpoints) -> None:
    with prepared(CLIENTS[profile], endpoints.laptop, endpoints.plain) as echo:
        check(echo, profile, PLAIN_HEAP)


@same_vm
@pytest.mark.parametrize("profile", [name for name in PROFILES if CLIENTS[name].tls])
def test_tls_heap(profile: str, endpoints: Endpoints) -> None:
    with prepared(CLIENTS[profile], endpoints.laptop, endpoints.tls, endpoints.ca) as echo:
        check(echo, profile, TLS_HEAP)
