"""Short forms of `make chaos`, see `Chaos`: nothing is lost, doubled or out of order, and no device gets stuck."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from tests.faults.chaos import Chaos
from tests.faults.device import ASYNCIO, FIVE
from tests.faults.pool import Totals
from tests.faults.schedule import NETWORK


def run(part: Coroutine[object, object, Totals]) -> Totals:
    """Run a part, and check that it found no problem."""
    totals = asyncio.run(part)
    print(*totals.lines(), sep="\n")
    assert not totals.failures
    return totals


def check_injected(totals: Totals, kind: str) -> None:
    """Check that each schedule had its fault."""
    assert totals.injected == {kind: totals.schedules}


def test_connection_ended_at_byte_positions(chaos: Chaos) -> None:
    for kind, first in (("cut", 0), ("reset", 14)):
        totals = run(chaos.every_byte([kind], step=29, first=first))
        check_injected(totals, kind)


def test_power_failed_at_byte_positions(chaos: Chaos) -> None:
    check_injected(run(chaos.every_byte(["power"], step=37)), "power")


def test_network_faults_at_random(chaos: Chaos) -> None:
    totals = run(chaos.random(range(36)))
    assert set(totals.injected) == set(NETWORK)


def test_power_failed_at_random_too(chaos: Chaos) -> None:
    totals = run(chaos.power(range(16)))
    assert totals.injected["power"] > 10


def test_broker_killed_at_rest_remembers(chaos: Chaos) -> None:
    assert run(chaos.killed(range(1), persistent=True, at_rest=True)).injected["broker killed"]


def test_broker_killed_at_any_instant_remembers(chaos: Chaos) -> None:
    assert run(chaos.killed(range(1), persistent=True)).injected["broker killed"]


def test_broker_killed_at_any_instant_forgets(chaos: Chaos) -> None:
    assert run(chaos.killed(range(1), persistent=False)).injected["broker killed"]


def test_broker_forgets_and_the_connack_that_says_so_is_lost(chaos: Chaos) -> None:
    assert run(chaos.connack_lost(range(1))).injected["cut"] == 8


def test_half_open_connections(chaos: Chaos) -> None:
    totals = run(chaos.half_open(keepalive=1))
    assert len(totals.noticed) == totals.schedules


def test_asyncio_with_network_faults_at_random(chaos_of: Callable[[str], Chaos]) -> None:
    totals = run(chaos_of(ASYNCIO).random(range(1000, 1024), asyncio=True))
    assert set(totals.injected) >= {"cut", "reset", "stall"}


def test_version_5_with_network_faults_at_random(chaos_of: Callable[[str], Chaos]) -> None:
    totals = run(chaos_of(FIVE).random(range(2000, 2016), five=True))
    assert set(totals.injected) >= {"cut", "reset", "stall"}


def test_version_5_with_power_failed_at_random_too(chaos_of: Callable[[str], Chaos]) -> None:
    assert run(chaos_of(FIVE).power(range(2000, 2008), five=True)).injected["power"] > 5


def test_version_5_and_asyncio_with_network_faults_at_random(chaos_of: Callable[[str], Chaos]) -> None:
    totals = run(chaos_of(FIVE).random(range(2000, 2016), five=True, asyncio=True))
    assert set(totals.injected) >= {"cut", "reset", "stall"}


def test_asyncio_with_its_connection_ended_at_byte_positions(chaos_of: Callable[[str], Chaos]) -> None:
    run(chaos_of(ASYNCIO).every_byte(["cut"], step=37, asyncio=True))
