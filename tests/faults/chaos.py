"""The parts of the chaos run, each at any length."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any, Callable

from tests.faults.checker import Task
from tests.faults.device import ASYNCIO, FIVE, USUAL, Device
from tests.faults.pool import DEVICES, IN_FLIGHT, LARGER_TASK, STORE_LIMIT, Totals, open_pool
from tests.faults.runner import PATIENT
from tests.faults.schedule import (
    DOWN,
    UP,
    Schedule,
    at_byte,
    connack_lost,
    half_open,
    random_schedule,
    random_schedule_with_power,
)

# With MQTT 5 the broker says how many messages may be in flight: fewer than the device's store has.
FIVE_SETTINGS = (f"max_inflight_messages {IN_FLIGHT}",)


class Chaos:
    """Runs the parts."""

    def __init__(self, folder: Path, make_device: Callable[[], Device]) -> None:
        """folder: where everything goes."""
        self._folder = folder
        self._make = make_device

    async def every_byte(self, kinds: Iterable[str], step: int = 1, first: int = 0, **more: Any) -> Totals:
        """Record a session's traffic, then repeat it with a fault at every `step`-th byte position of either
        direction, from the `first` one on; `more` as in `Runner.run`."""
        folder = self._folder / "-".join(["bytes", *kinds])
        async with open_pool(folder, self._make, files="power" in kinds) as pool:
            more = {**PATIENT, **more}
            await pool.runners[0].run(Schedule("none"), **more)
            whole = pool.runners[0].proxy.passed[0]

            def schedules() -> Iterator[Schedule]:
                for kind in kinds:
                    for way in (UP, DOWN):
                        for at in range(first, whole[way] + 1, step):
                            yield at_byte(kind, way, at)

            return await pool.run(schedules(), **more)

    async def random(self, seeds: Iterable[int], **more: Any) -> Totals:
        """Network faults at random; `more` as in `Runner.run`."""
        settings = FIVE_SETTINGS if more.get("five") else ()
        async with open_pool(self._folder / "random", self._make, settings=settings) as pool:
            return await pool.run(map(random_schedule, seeds), LARGER_TASK, limit=STORE_LIMIT, **more)

    async def power(self, seeds: Iterable[int], **more: Any) -> Totals:
        """The device, with its session in a file, also loses its power; `more` as in `Runner.run`."""
        async with open_pool(self._folder / "power", self._make, files=True) as pool:
            return await pool.run(map(random_schedule_with_power, seeds), LARGER_TASK, limit=STORE_LIMIT, **more)

    async def killed(self, seeds: Iterable[int], persistent: bool, at_rest: bool = False) -> Totals:
        """The broker is killed, too; see `Pool.run_with_kills`."""
        folder = self._folder / f"killed-{persistent}-{at_rest}"
        async with open_pool(folder, self._make, persistent=persistent) as pool:
            return await pool.run_with_kills(seeds, at_rest)

    async def connack_lost(self, seeds: Iterable[int]) -> Totals:
        """The broker is killed and forgets, and the CONNACK without session present is lost."""
        async with open_pool(self._folder / "connack-lost", self._make) as pool:
            # What is lost is the CONNACK of the second connection: the first one must have been made.
            return await pool.run_with_kills(
                seeds, at_rest=True, make_schedule=connack_lost, max_kills=1, when_ready=True
            )

    async def half_open(self, keepalive: int, count: int = 8) -> Totals:
        """Half-open connections: the device's connection stays open, but nothing answers."""
        async with open_pool(self._folder / "half-open", self._make) as pool:
            schedules = [half_open(150 + 20 * i) for i in range(count)]
            return await pool.run(schedules, Task(), keepalive=keepalive)


Part = tuple[str, Callable[[Chaos], Coroutine[Any, Any, Totals]]]


def parts_of(seed: int, n: int) -> dict[str, dict[str, Part]]:
    """By the kind of device, name, title and function of each part; `n` random schedules of network faults, and
    fewer in the parts that take longer."""
    seeds, fewer = range(seed, seed + n), range(seed, seed + max(1, n // 4))
    some = range(seed, seed + max(1, n * 7 // 10))
    rounds = range(seed, seed + max(1, n // 10 // DEVICES))
    return {
        USUAL: {
            "bytes": ("connection ended at every byte position", lambda chaos: chaos.every_byte(("cut", "reset"))),
            "power-bytes": ("power failed at every byte position", lambda chaos: chaos.every_byte(("power",))),
            "random": ("network faults at random", lambda chaos: chaos.random(seeds)),
            "power": ("power failed at random, too", lambda chaos: chaos.power(fewer)),
            "rest": ("broker killed at rest, remembers", lambda chaos: chaos.killed(rounds, True, at_rest=True)),
            "unsaved": ("broker killed at any instant, remembers", lambda chaos: chaos.killed(rounds, True)),
            "forgets": ("broker killed at any instant, forgets", lambda chaos: chaos.killed(rounds, False)),
            "connack-lost": (
                "broker killed, forgets, and the CONNACK is lost",
                lambda chaos: chaos.connack_lost(rounds),
            ),
            "half-open": ("half-open, keepalive of 2 s", lambda chaos: chaos.half_open(2)),
        },
        ASYNCIO: {
            "asyncio": ("umqtt2.aio, network faults at random", lambda chaos: chaos.random(some, asyncio=True)),
        },
        FIVE: {
            "version5-bytes": (
                "MQTT 5, connection ended at every byte position",
                lambda chaos: chaos.every_byte(["cut"], five=True),
            ),
            "version5": ("MQTT 5, network faults at random", lambda chaos: chaos.random(seeds, five=True)),
            "version5-power": ("MQTT 5, power failed at random, too", lambda chaos: chaos.power(fewer, five=True)),
            "version5-asyncio": (
                "MQTT 5 and umqtt2.aio, network faults at random",
                lambda chaos: chaos.random(seeds, five=True, asyncio=True),
            ),
        },
    }
