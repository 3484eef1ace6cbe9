"""Many messages each way with any broker, over a network that breaks and a broker that restarts; counted by paho.

A message at QoS 2 that came to the device twice was sent twice by the broker: the bytes that went to the device show
it. For brokers that lose what is on its way they also show that these had what came up and was lost, and were asked for
each acknowledgement that never came. A broker with which messages are lost otherwise, doubled on their way up, out of
order, or never acknowledged is tried with paho in the device's place, with the same cuts: what befalls both is the
broker's doing. All else is a failure.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter as Numbers
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.brokers311 import FORGET, KEEPS, LOSE
from tests.brokers.conftest import CLIENTS, MANY, PAHO
from tests.brokers.counter import Counter
from tests.brokers.machines import Cpython
from tests.brokers.wire import Message, sent_twice, taken, unanswered
from tests.faults.proxy import Proxy
from tests.faults.schedule import DOWN, UP, Fault, Schedule
from tools.testkit.broker import HOST
from tools.testkit.other_brokers import PASSWORD, USER
from tools.testkit.vm import Run

SIZE = 20  # bytes of a message on the wire, at the least
QUIET = 60  # seconds, longer than any broker takes to repeat a message: what has not come then is lost
TIMES = 3  # that paho is tried
NUMBERS = itertools.count(1)


class Case:
    """What is sent.

    qos         of the messages
    count       of the messages at each QoS, each way
    cuts        of the network
    restart     whether the broker restarts, halfway
    forgivable  the faults that are not judged, the first word of each
    """

    def __init__(
        self, qos: Sequence[int], count: int, cuts: int, restart: bool, forgivable: Sequence[str] = ()
    ) -> None:
        self.qos = qos
        self.count = count
        self.cuts = cuts
        self.restart = restart
        self._forgivable = forgivable

    def schedule(self, seed: str) -> Schedule:
        """The cuts: at positions where there are messages yet to come, each way."""
        rng = random.Random(seed)
        size = self.count * len(self.qos) * SIZE // (self.cuts + 2)
        return Schedule(
            seed,
            tuple(
                (Fault(rng.choice(["cut", "reset"]), rng.choice([UP, DOWN]), rng.randrange(size // 2, size)),)
                for _ in range(self.cuts)
            ),
        )

    def judge(self, way: str, found: list[Message]) -> dict[str, str]:
        """What has become of the messages of one way: its faults, each with a text for the table."""
        faults: dict[str, str] = {}
        for qos in self.qos:
            numbers = Numbers(number for one, number in found if one == qos)
            lost = self.count - len(numbers)
            doubled = sum(times > 1 for times in numbers.values()) if qos == 2 else 0
            if lost:
                faults[f"lost {way} {qos}"] = f"{lost:,} of {self.count:,} {way} at QoS {qos} lost"
            if doubled:
                faults[f"doubled {way}"] = f"{doubled:,} of {self.count:,} {way} at QoS 2 doubled"
            if list(numbers) != sorted(numbers):
                faults[f"order {way} {qos}"] = f"{way} at QoS {qos} out of order"
        return {fault: text for fault, text in faults.items() if fault.split()[0] not in self._forgivable}


class Trial:
    """One device, one broker, and the network between them.

    own_doing  numbers of the messages at QoS 2 that the device has doubled itself
    proven     the faults that are the broker's: the bytes show it
    """

    own_doing: set[int]
    proven: set[str]

    def __init__(self, broker: Any, case: Case, run: Callable[[dict[str, Any]], Run]) -> None:
        """run: starts the device, with settings."""
        self._broker = broker
        self._case = case
        self._run = run

    def faults(self, seed: str) -> dict[str, str]:
        """Run it; return what has gone wrong."""
        return asyncio.run(self._faults(seed))

    async def _faults(self, seed: str) -> dict[str, str]:
        case = self._case
        prefix = f"m/{next(NUMBERS)}"
        got: list[Message] = []
        async with Proxy(self._broker.port) as proxy:
            await proxy.start(case.schedule(seed))
            with Counter(self._broker.port, prefix, case.qos) as counter:
                client = {"server": HOST, "port": proxy.port, "user": USER, "password": PASSWORD, "keepalive": 10}
                settings = {"prefix": prefix, "client": client, "count": case.count, "quiet": QUIET}
                settings["qos"] = list(case.qos)
                with self._run(settings) as running:
                    over = await self._watch(running, counter, proxy, got)
                # What the broker repeats may come long after the device is done.
                while not counter.has(case.count * len(case.qos)) and counter.quiet < QUIET:
                    await asyncio.sleep(0.05)
            cuts = proxy.injected["cut"] + proxy.injected["reset"]
            up, down = ([bytes(data) for data in way] for way in (proxy.from_device, proxy.to_device))
        faults = {**case.judge("up", counter.arrived), **case.judge("down", got)}
        came = Numbers(number for qos, number in got if qos == 2)
        self.own_doing = {number for number in came if came[number] > 1} - sent_twice(down)
        self.proven = {"doubled down"}
        everything = {(qos, number) for qos in case.qos for number in range(case.count)}
        if everything - set(counter.arrived) <= taken(up, down):
            self.proven.update(f"lost up {qos}" for qos in case.qos)
        if over["waiting"] <= unanswered(up[-1], down[-1]):
            self.proven.add("stuck")
        if over["waiting"]:
            faults["stuck"] = f"{over['waiting']:,} never acknowledged"
        assert faults or cuts == case.cuts, f"{cuts} cuts"
        return faults

    async def _watch(self, running: Run, counter: Counter, proxy: Proxy, got: list[Message]) -> dict[str, Any]:
        # Give the counter its messages, and the broker its restart, until the program is over.
        case = self._case
        to_restart = len(counter.arrived) if case.restart else -1
        seen = 0
        ready = False
        while True:
            lines = running.output[seen:]
            for line in lines:
                seen += 1
                words = line.split()
                if words[:1] == ["got"]:
                    got.append((int(words[1]), int(words[2])))
                elif line.startswith('{"event"') or line.startswith('{"facts"'):
                    return json.loads(line)["facts"]
                elif words == ["ready"]:
                    ready = True
                elif words[:1] != ["sent"]:
                    raise AssertionError("\n".join(running.output[-20:]))
            assert lines or not running.ended, "the device's program has ended"
            if ready:
                counter.allow(len(got), case.count * len(case.qos))
            injected = proxy.injected["cut"] + proxy.injected["reset"]
            if to_restart >= 0 and injected >= case.cuts // 2:
                if not to_restart:
                    to_restart = len(counter.arrived) + 10
                elif len(counter.arrived) >= to_restart:
                    to_restart = -1
                    await self._restart(counter, proxy)
            if not lines:
                await asyncio.sleep(0.005)

    async def _restart(self, counter: Counter, proxy: Proxy) -> None:
        # The device comes back after paho, which would miss what comes up, where the broker has no sessions any more.
        proxy.broker_up = False
        await asyncio.to_thread(self._broker.stop)
        counter.broker_ends()
        self._broker.start()
        await asyncio.to_thread(self._broker.wait_until_listening)
        await asyncio.to_thread(counter.wait_until_subscribed)
        proxy.broker_up = True


def test_many_messages(
    broker_name: str,
    machine_name: str,
    kind: str,
    broker: Any,
    machines: Callable[[str], Any],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    whole = request.config.getoption("--brokers", None)
    if whole:
        case = Case((1, 2), 1000, 10, restart=True)
    else:
        short = KEEPS[broker_name]
        case = Case(short.qos, 50 // len(short.qos), 2, short.restart, short.forgivable)
    client = {"kind": kind, "file": str(tmp_path / "session"), "options": {"backoff": (0.05, 0.5), "verbose": False}}

    def ours(settings: dict[str, Any]) -> Run:
        return machines(machine_name).start("many", {**settings, **client})

    def theirs(settings: dict[str, Any]) -> Run:
        return Cpython().start("many_paho", settings)

    def run(start: Callable[[dict[str, Any]], Run], name: str, seed: int) -> tuple[Trial, dict[str, str]]:
        trial = Trial(broker, case, start)
        found = trial.faults(str(seed))
        said = ", ".join(found.values()) or "yes"
        MANY.setdefault(name, {}).setdefault(broker_name, []).append(said)
        return trial, found

    trial, left = run(ours, CLIENTS[kind], 1)
    assert not trial.own_doing, trial.own_doing
    proven = trial.proven if broker_name in LOSE else {"doubled down"}
    if broker_name in FORGET:
        proven.add("doubled up")  # what had its PUBREC is sent again, or it could be lost
    left = {fault: text for fault, text in left.items() if fault not in proven}
    for seed in range(1, TIMES + 1):
        if not left and (broker_name in MANY.get(PAHO, {}) or not whole):
            break
        found = run(theirs, PAHO, seed)[1]
        left = {fault: text for fault, text in left.items() if fault not in found}
    assert not left, "paho does not see the same"
