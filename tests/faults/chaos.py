"""The parts of the chaos run, each at any length."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator
from pathlib import Path
from typing import Callable

from tests.faults.device import Device
from tests.faults.judge import Task
from tests.faults.schedule import DOWN, UP, Schedule, at_byte, drawn, drawn_power, half_open, unwelcome
from tests.faults.stage import FULLER, LANES, LIMIT, Totals, stage


class Chaos:
    """Plays the parts."""

    def __init__(self, folder: Path, make_device: Callable[[], Device], lanes: int = LANES) -> None:
        """folder: where everything goes; lanes: how many devices at a time."""
        self._folder = folder
        self._make = make_device
        self._lanes = lanes

    def parts(self, seed: int, n: int) -> dict[str, tuple[str, Callable[[], Awaitable[Totals]]]]:
        """Name, title and what plays it, for each part; `n` random schedules of network faults, and fewer
        in the parts that take longer."""
        rounds = range(seed, seed + max(1, n // 10 // self._lanes))
        return {
            "bytes": ("connection ended at every byte position", lambda: self.every_byte(("cut", "reset"))),
            "power-bytes": ("power failed at every byte position", lambda: self.every_byte(("power",))),
            "random": ("network faults at random", lambda: self.random(range(seed, seed + n))),
            "power": ("power failed at random, too", lambda: self.power(range(seed, seed + max(1, n // 4)))),
            "rest": ("broker killed at rest, remembers", lambda: self.killed(rounds, True, at_rest=True)),
            "unsaved": ("broker killed at any instant, remembers", lambda: self.killed(rounds, True)),
            "forgets": ("broker killed at any instant, forgets", lambda: self.killed(rounds, False)),
            "unwelcome": ("broker killed, forgets, and the CONNACK is lost", lambda: self.unwelcome(rounds)),
            "half-open": ("half-open, keepalive of 2 s", lambda: self.half_open(2)),
        }

    async def every_byte(
        self, kinds: Iterable[str], step: int = 1, first: int = 0, **more: object
    ) -> Totals:
        """Record a session's traffic, then repeat it with a fault at every `step`-th byte position of either
        direction, from the `first` one on; `more` as in `Lane.play`."""
        folder = self._folder / "-".join(["bytes", *kinds])
        async with stage(folder, self._make, self._lanes, files="power" in kinds) as it:
            await it.lanes[0].play(Schedule("none"))
            whole = it.lanes[0].proxy.passed[0]

            def schedules() -> Iterator[Schedule]:
                for kind in kinds:
                    for way in (UP, DOWN):
                        for at in range(first, whole[way] + 1, step):
                            yield at_byte(kind, way, at)

            return await it.play(schedules(), **more)

    async def random(self, seeds: Iterable[int], **more: object) -> Totals:
        """Network faults at random; `more` as in `Lane.play`."""
        async with stage(self._folder / "random", self._make, self._lanes) as it:
            return await it.play(map(drawn, seeds), FULLER, limit=LIMIT, **more)

    async def power(self, seeds: Iterable[int]) -> Totals:
        """The device, with its session in a file, also loses its power."""
        async with stage(self._folder / "power", self._make, self._lanes, files=True) as it:
            return await it.play(map(drawn_power, seeds), FULLER, limit=LIMIT)

    async def killed(self, seeds: Iterable[int], persistent: bool, at_rest: bool = False) -> Totals:
        """The broker is killed, too; see `Stage.play_with_kills`."""
        folder = self._folder / f"killed-{persistent}-{at_rest}"
        async with stage(folder, self._make, self._lanes, persistent=persistent) as it:
            return await it.play_with_kills(seeds, at_rest)

    async def unwelcome(self, seeds: Iterable[int]) -> Totals:
        """The broker is killed and forgets, but the CONNACK that says so is lost."""
        async with stage(self._folder / "unwelcome", self._make, self._lanes) as it:
            return await it.play_with_kills(seeds, at_rest=True, draw=unwelcome, most=1)

    async def half_open(self, keepalive: int, count: int = 8) -> Totals:
        """The connection is there, but nobody at its other end."""
        async with stage(self._folder / "half-open", self._make, self._lanes) as it:
            schedules = [half_open(150 + 20 * i) for i in range(count)]
            return await it.play(schedules, Task(), keepalive=keepalive)
