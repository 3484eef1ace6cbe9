"""A broker, an observer and several lanes, which play many schedules side by side."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from tests.faults.broker import Broker
from tests.faults.device import Device
from tests.faults.judge import KINDS, Account, Rules, Task, judge
from tests.faults.lane import Lane
from tests.faults.observer import Observer
from tests.faults.proxy import Proxy
from tests.faults.schedule import Schedule, drawn

LANES = 8
LIMIT = 5  # messages that the device's store keeps, fewer than these: so it is full now and then
ROUNDS = 30  # more than packets in flight
FULLER = Task(12, (1, 30, 150))  # with messages that do not fit into one write


@dataclass
class Totals:
    """What many schedules came to.

    injected   faults by kind
    problems   by kind, see `judge`
    tolerated  what is not as one would wish, but not the device's doing
    noticed    seconds that it took the device to notice each half-open connection
    failures   for each schedule with a problem: its name and what was wrong
    """

    schedules: int = 0
    sent: int = 0
    commands: int = 0
    seconds: float = 0.0
    injected: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    tolerated: Counter[str] = field(default_factory=Counter)
    noticed: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, schedule: Schedule, account: Account, rules: Rules) -> None:
        """Judge one schedule."""
        verdict = judge(account, rules)
        self.schedules += 1
        self.sent += sum(words[0] == "accepted" for words in account.said)
        self.commands += sum(map(len, account.commands.values()))
        self.problems.update(kind for kind, _ in verdict.problems)
        self.tolerated.update(verdict.tolerated)
        if verdict.problems:
            self.failures.append(f"{schedule.name}: {verdict.problems}")

    def __add__(self, other: Totals) -> Totals:
        """Both together."""
        return Totals(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def lines(self) -> list[str]:
        """All of it, to be read."""
        pace = self.schedules / self.seconds if self.seconds else 0
        lines = [
            f"schedules  {self.schedules} in {self.seconds:.0f} s ({pace:.1f}/s); "
            f"messages: {self.sent} sent, {self.commands} received",
            "injected   " + _counts(self.injected),
            "wrong      " + ", ".join(f"{kind} {self.problems[kind]}" for kind in KINDS),
        ]
        if self.noticed:
            lines.append(f"half-open  noticed after {max(self.noticed):.2f} s at the most")
        if self.tolerated:
            lines.append("besides    " + _counts(self.tolerated))
        return lines + self.failures


class Stage:
    """Made by `stage`."""

    def __init__(self, broker: Broker, lanes: list[Lane]) -> None:
        self.broker = broker
        self.lanes = lanes
        self._observer: Observer | None = None

    async def observe(self) -> None:
        """Have an observer, a new one if there was one before."""
        before = self._observer
        if before:
            await before.__aexit__()  # it has noted all then
        self._observer = Observer(self.broker.port, before and before.arrived)
        await self._observer.__aenter__()
        for lane in self.lanes:
            lane.observer = self._observer

    async def close(self) -> None:
        """End the devices and the observer."""
        for lane in self.lanes:
            await lane.device.off()
        if self._observer:
            await self._observer.__aexit__()

    async def play(
        self, schedules: Iterable[Schedule], task: Task | None = None, **more: Any
    ) -> Totals:
        """Play all schedules, each on the next lane that is free; `more` as in `Lane.play`."""
        totals = Totals()
        left = iter(schedules)
        start = time.monotonic()

        async def work(lane: Lane) -> None:
            for schedule in left:
                totals.add(schedule, await lane.play(schedule, task, **more), Rules())

        await _together(map(work, self.lanes))
        totals.seconds = time.monotonic() - start
        self.collect(totals)
        return totals

    async def play_with_kills(
        self, seeds: Iterable[int], at_rest: bool, draw: Callable[[str], Schedule] = drawn, most: int = 3
    ) -> Totals:
        """Play a random schedule on all lanes for each seed, while the broker is killed and started again.

        at_rest  it has written down what it knows, and nothing has come since; else at any instant
        draw     what makes a schedule of a seed
        most     how often it is killed at the most
        """
        kept = self.broker.persistent
        rules = Rules(forgets=not kept, unsaved=kept and not at_rest)
        for lane in self.lanes:
            lane.forgets = rules.forgets or rules.unsaved
        totals = Totals()
        start = time.monotonic()
        for seed in seeds:
            hold = asyncio.Event()
            for lane in self.lanes:
                lane.ready.clear()

            async def work(lane: Lane, seed: int = seed, hold: asyncio.Event = hold) -> None:
                schedule = draw(f"{seed} on {lane.name}")
                totals.add(schedule, await lane.play(schedule, FULLER, hold, limit=LIMIT), rules)

            rng = random.Random(f"kills {seed}")
            kills = self._kill(rng, rng.randint(1, most), hold, at_rest)
            await _together([kills, *map(work, self.lanes)])
        totals.seconds = time.monotonic() - start
        self.collect(totals)
        return totals

    async def _kill(self, rng: random.Random, count: int, hold: asyncio.Event, at_rest: bool) -> None:
        # Kill the broker so many times, then let the devices come to an end.
        if self.broker.persistent and not at_rest:
            # Without its subscriptions in a session that is otherwise there the device would be deaf.
            await asyncio.gather(*(lane.ready.wait() for lane in self.lanes))
            await self._rest()
        for _ in range(count):
            await asyncio.sleep(rng.uniform(0, 0.2))
            await self.restart(at_rest)
            self.lanes[0].proxy.injected["broker killed"] += 1
        hold.set()

    async def restart(self, at_rest: bool) -> None:
        """Kill the broker and start it again. Until the observer is there, every connection is refused."""
        async with AsyncExitStack() as stack:
            for lane in self.lanes:
                await stack.enter_async_context(lane.calm)
            if at_rest:
                for lane in self.lanes:
                    lane.proxy.flows.clear()
                await self._rest()
            for lane in self.lanes:
                lane.proxy.broker_there = False
            self.broker.kill()
            await self.broker.start()
            await self.observe()
            for lane in self.lanes:
                lane.proxy.broker_there = True
                lane.proxy.flows.set()

    async def _rest(self) -> None:
        # The broker takes one packet of each client in turn: have it come to the end of what is there, then
        # write down what it knows, and be done with that.
        assert self._observer
        for _ in range(ROUNDS):
            await self._observer.fence("rest")
        self.broker.save()
        for _ in range(2):
            await self._observer.fence("rest")

    def collect(self, totals: Totals) -> None:
        """Add what the proxies have injected since the last time."""
        for lane in self.lanes:
            totals.injected.update(lane.proxy.injected)
            totals.noticed += lane.proxy.noticed
            lane.proxy.injected.clear()
            lane.proxy.noticed.clear()


@asynccontextmanager
async def stage(
    folder: Path,
    make_device: Callable[[], Device],
    lanes: int = LANES,
    files: bool = False,
    persistent: bool = False,
) -> AsyncIterator[Stage]:
    """Set up a stage below a folder.

    files       the devices keep their sessions in files
    persistent  the broker keeps its sessions in a file
    """
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(Broker(folder / "broker", persistent))
        made = []
        for i in range(lanes):
            proxy = await stack.enter_async_context(Proxy(broker.port))
            made.append(Lane(f"lane{i}", make_device(), proxy, folder if files else None))
        ready = Stage(broker, made)
        stack.push_async_callback(ready.close)
        await ready.observe()
        yield ready


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    # All at the same time; when one fails, the others end too.
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "nothing"
