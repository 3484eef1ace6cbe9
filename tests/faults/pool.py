"""A broker, an observer and several devices, which run many schedules in parallel."""

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
from tests.faults.checker import KINDS, Record, Rules, Task, check
from tests.faults.device import Device
from tests.faults.observer import Observer
from tests.faults.proxy import Proxy
from tests.faults.runner import Runner
from tests.faults.schedule import Schedule, random_schedule

DEVICES = 8  # at a time
STORE_LIMIT = 5  # messages in the device's store, fewer than it publishes: the store is full now and then
IN_FLIGHT = 2  # messages at a time that the broker takes from a client with MQTT 5, and the observer's
FENCES = 30  # more than there are packets in flight
LARGER_TASK = Task(12, (1, 30, 150))  # with messages that do not fit into one write


@dataclass
class Totals:
    """The results of many schedules.

    injected   faults by kind
    problems   by kind, see `check`
    tolerated  deviations that the device does not cause, by kind
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

    def add(self, schedule: Schedule, record: Record, rules: Rules) -> None:
        """Check one schedule and add its results."""
        findings = check(record, rules)
        self.schedules += 1
        self.sent += sum(words[0] == "accepted" for words in record.output)
        self.commands += sum(map(len, record.commands.values()))
        self.problems.update(kind for kind, _ in findings.problems)
        self.tolerated.update(findings.tolerated)
        if findings.problems:
            self.failures.append(f"{schedule.name}: {findings.problems}")

    def __add__(self, other: Totals) -> Totals:
        """The sum of two results."""
        return Totals(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def lines(self) -> list[str]:
        """The results as text."""
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


class Pool:
    """A broker, its observer and the runners; `open_pool` makes it."""

    def __init__(self, broker: Broker, runners: list[Runner]) -> None:
        self.broker = broker
        self.runners = runners
        self._observer: Observer | None = None

    async def connect_observer(self) -> None:
        """Connect a new observer to the broker; it continues the record of the previous one."""
        before = self._observer
        if before:
            await before.__aexit__()  # it has received everything when this returns
        self._observer = Observer(self.broker.port, before.arrived if before else None, IN_FLIGHT)
        await self._observer.__aenter__()
        for runner in self.runners:
            runner.observer = self._observer

    async def close(self) -> None:
        """End the devices and the observer."""
        for runner in self.runners:
            await runner.device.off()
        if self._observer:
            await self._observer.__aexit__()

    async def run(self, schedules: Iterable[Schedule], task: Task | None = None, **more: Any) -> Totals:
        """Run all schedules, each on the next free device; `more` as in `Runner.run`."""
        totals = Totals()
        left = iter(schedules)
        start = time.monotonic()

        async def work(runner: Runner) -> None:
            for schedule in left:
                totals.add(schedule, await runner.run(schedule, task, **more), Rules())

        await _run_all(map(work, self.runners))
        totals.seconds = time.monotonic() - start
        self.collect(totals)
        return totals

    async def run_with_kills(
        self,
        seeds: Iterable[int],
        at_rest: bool,
        make_schedule: Callable[[str], Schedule] = random_schedule,
        max_kills: int = 3,
        when_ready: bool = False,
    ) -> Totals:
        """Run a random schedule on all devices for each seed, while the broker is killed and restarted.

        at_rest        kill it when it has saved its sessions and received nothing since; False: at any instant
        make_schedule  makes a schedule from a seed
        max_kills      the broker is killed so often at most
        when_ready     the first time when all devices have connected and subscribed
        """
        kept = self.broker.persistent
        rules = Rules(forgets=not kept, unsaved=kept and not at_rest)
        for runner in self.runners:
            runner.broker_forgets = rules.forgets or rules.unsaved
        totals = Totals()
        start = time.monotonic()
        for seed in seeds:
            may_end = asyncio.Event()
            for runner in self.runners:
                runner.ready.clear()

            async def work(runner: Runner, seed: int = seed, may_end: asyncio.Event = may_end) -> None:
                schedule = make_schedule(f"{seed} on {runner.name}")
                totals.add(schedule, await runner.run(schedule, LARGER_TASK, may_end, limit=STORE_LIMIT), rules)

            rng = random.Random(f"kills {seed}")
            kills = self._kill(rng, rng.randint(1, max_kills), may_end, at_rest, when_ready)
            await _run_all([kills, *map(work, self.runners)])
        totals.seconds = time.monotonic() - start
        self.collect(totals)
        return totals

    async def _kill(
        self, rng: random.Random, count: int, may_end: asyncio.Event, at_rest: bool, when_ready: bool
    ) -> None:
        # Kill the broker `count` times, then let the devices finish.
        unsaved = self.broker.persistent and not at_rest
        if unsaved or when_ready:
            await asyncio.gather(*(runner.ready.wait() for runner in self.runners))
        if unsaved:
            # If the broker saved a session before it has the subscriptions, the device gets no commands.
            await self._let_broker_finish()
        for _ in range(count):
            await asyncio.sleep(rng.uniform(0, 0.2))
            await self.restart(at_rest)
            self.runners[0].proxy.injected["broker killed"] += 1
        may_end.set()

    async def restart(self, at_rest: bool) -> None:
        """Kill the broker and restart it. Devices are refused until the observer is connected."""
        async with AsyncExitStack() as stack:
            for runner in self.runners:
                await stack.enter_async_context(runner.broker_lock)
            if at_rest:
                for runner in self.runners:
                    runner.proxy.forwarding.clear()
                await self._let_broker_finish()
            for runner in self.runners:
                runner.proxy.broker_up = False
            self.broker.kill()
            self.broker.start()
            await asyncio.to_thread(self.broker.wait_until_listening)
            await self.connect_observer()
            for runner in self.runners:
                runner.proxy.broker_up = True
                runner.proxy.forwarding.set()

    async def _let_broker_finish(self) -> None:
        # The broker handles one packet of each client in turn: let it handle all that it has received, then
        # save its sessions, and wait until it has saved them.
        assert self._observer
        for _ in range(FENCES):
            await self._observer.fence("saved")
        self.broker.save()
        for _ in range(2):
            await self._observer.fence("saved")

    def collect(self, totals: Totals) -> None:
        """Add the faults that the proxies have injected since the last call."""
        for runner in self.runners:
            totals.injected.update(runner.proxy.injected)
            totals.noticed += runner.proxy.noticed
            runner.proxy.injected.clear()
            runner.proxy.noticed.clear()


@asynccontextmanager
async def open_pool(
    folder: Path,
    make_device: Callable[[], Device],
    files: bool = False,
    persistent: bool = False,
    settings: Iterable[str] = (),
) -> AsyncIterator[Pool]:
    """Start a broker and make devices, with their files below a folder.

    files       the devices keep their sessions in files
    persistent  the broker keeps its sessions in a file
    settings    more lines of mosquitto.conf
    """
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(Broker(folder / "broker", persistent, *settings))
        made = []
        for i in range(DEVICES):
            proxy = await stack.enter_async_context(Proxy(broker.port))
            made.append(Runner(f"device{i}", make_device(), proxy, folder if files else None))
        pool = Pool(broker, made)
        stack.push_async_callback(pool.close)
        await pool.connect_observer()
        yield pool


async def _run_all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    # Run all concurrently; when one fails, cancel the others.
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "nothing"
