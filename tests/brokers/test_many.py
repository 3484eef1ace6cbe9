"""Many messages each way with any broker, over a network that breaks and a broker that restarts; counted by paho.

A message at QoS 2 that came to the device twice was sent twice by the broker: the bytes that went to the device show
it, and that the device has sent its own in their order. For brokers that lose what is on its way they also show that
these had what came up and was lost, and were asked for each acknowledgement that never came. A broker with which
messages are lost otherwise, doubled on their way up, out of order, or never acknowledged is tried with paho in the
device's place, with the same cuts: what befalls both is the broker's doing. All else is a failure.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter as Numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.conftest import CLIENTS, PAHO, Tell
from tests.brokers.counter import Counter
from tests.brokers.kinds import KINDS_311
from tests.brokers.machines import Machine, cpython
from tests.brokers.wire import Message, in_order, sent_twice, taken, unanswered
from tests.faults.proxy import Proxy
from tests.faults.schedule import DOWN, UP, Fault, Schedule
from tools.testkit.broker import HOST
from tools.testkit.mosquitto import PASSWORD, USER
from tools.testkit.vm import Run

SIZE = 20  # bytes of a message on the wire, at the least
MESSAGE_TIMEOUT = 6  # seconds
QUIET = 40  # seconds, longer than a message waits that is not answered, and than any broker waits until it repeats one
TIMES = 3  # that paho is tried
NUMBERS = itertools.count(1)
CUTS = ("cut", "reset")
with_paho: dict[str, set[str]] = {}  # by broker, the faults that paho has seen


@dataclass(frozen=True)
class Case:
    """What is sent.

    qos         of the messages
    count       of the messages at each QoS, each way
    cuts        of the network
    restart     whether the broker restarts, halfway
    forgivable  the faults that are not judged, the first word of each
    """

    qos: Sequence[int]
    count: int
    cuts: int
    restart: bool
    forgivable: Sequence[str] = ()

    def schedule(self, seed: str) -> Schedule:
        """The cuts: at positions where there are messages yet to come, each way."""
        rng = random.Random(seed)
        size = self.count * len(self.qos) * SIZE // (self.cuts + 2)
        return Schedule(
            seed,
            tuple(
                (Fault(rng.choice(CUTS), rng.choice([UP, DOWN]), rng.randrange(size // 2, size)),)
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
        return {fault: text for fault, text in faults.items() if fault.split()[0] not in self.forgivable}


class Trial:
    """One device, one broker, and the network between them.

    faults     what has gone wrong
    own_doing  numbers of the messages at QoS 2 that the device has doubled itself
    proven     the faults that are the broker's: the bytes show it
    """

    def __init__(self, broker: Any, case: Case, run: Callable[[dict[str, Any]], Run], seed: int) -> None:
        """run: starts the device, with settings."""
        self._broker = broker
        self._case = case
        self._run = run
        self._got: list[Message] = []
        self.proven = {"doubled down"}
        asyncio.run(self._try(str(seed)))

    async def _try(self, seed: str) -> None:
        case = self._case
        prefix = f"m/{next(NUMBERS)}"
        async with Proxy(self._broker.port) as proxy:
            await proxy.start(case.schedule(seed))
            with Counter(self._broker.port, prefix, case.qos) as counter:
                client = {"server": HOST, "port": proxy.port, "user": USER, "password": PASSWORD, "keepalive": 10}
                settings = {"prefix": prefix, "client": client, "count": case.count, "quiet": QUIET, "qos": case.qos}
                with self._run(settings) as running:
                    over = await self._watch(running, counter, proxy)
                # What the broker repeats may come long after the device is done.
                while not counter.has(case.count * len(case.qos)) and counter.quiet < QUIET:
                    await asyncio.sleep(0.05)
            cuts = sum(proxy.injected[cut] for cut in CUTS)
            up, down = ([bytes(data) for data in way] for way in (proxy.from_device, proxy.to_device))
        self.faults = {**case.judge("up", counter.arrived), **case.judge("down", self._got)}
        came = Numbers(number for qos, number in self._got if qos == 2)
        self.own_doing = {number for number in came if came[number] > 1} - sent_twice(down)
        everything = {(qos, number) for qos in case.qos for number in range(case.count)}
        if everything - set(counter.arrived) <= taken(up, down):
            self.proven.update(f"lost up {qos}" for qos in case.qos)
        self.proven.update(f"order up {qos}" for qos in case.qos if in_order(up, qos))
        if over["waiting"]:
            self.faults["stuck"] = f"{over['waiting']:,} never acknowledged"
            if over["waiting"] <= unanswered(up[-1], down[-1]):
                self.proven.add("stuck")
        assert self.faults or cuts == case.cuts, f"{cuts} cuts"

    async def _watch(self, running: Run, counter: Counter, proxy: Proxy) -> dict[str, Any]:
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
                    self._got.append((int(words[1]), int(words[2])))
                elif line.startswith(('{"event"', '{"facts"')):
                    return json.loads(line)["facts"]
                elif words == ["ready"]:
                    ready = True
                elif words[:1] != ["sent"]:
                    raise AssertionError("\n".join(running.output[-20:]))
            assert lines or not running.ended, "the device's program has ended"
            if ready:
                counter.allow(len(self._got), case.count * len(case.qos))
            if to_restart >= 0 and sum(proxy.injected[cut] for cut in CUTS) >= case.cuts // 2:
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


@pytest.mark.timeout(1500)
def test_many_messages(
    broker_name: str,
    client_name: str,
    broker: Any,
    machine: Machine,
    tell: Tell,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    kind = KINDS_311[broker_name]
    whole = request.config.getoption("--brokers", None)
    case = Case((1, 2), 1000, 10, restart=True)
    if not whole:
        case = Case(kind.qos, 50 // len(kind.qos), 2, kind.restart, kind.forgivable)
    options = {"backoff": (0.05, 0.5), "verbose": False, "message_timeout": MESSAGE_TIMEOUT}
    client = {"kind": client_name, "file": str(tmp_path / "session"), "options": options}

    def run(start: Callable[[dict[str, Any]], Run], name: str, seed: int) -> Trial:
        trial = Trial(broker, case, start, seed)
        tell("many messages", name, ", ".join(trial.faults.values()) or "yes")
        return trial

    trial = run(lambda settings: machine("many", {**settings, **client}), CLIENTS[client_name], 1)
    assert not trial.own_doing, trial.own_doing
    proven = {fault for fault in trial.proven if kind.loses or fault.startswith(("doubled", "order"))}
    if kind.forgets:
        proven.add("doubled up")  # what had its PUBREC is sent again, or it could be lost
    left = trial.faults.keys() - proven - with_paho.get(broker_name, set())
    for seed in range(1, TIMES + 1):
        if not left and (broker_name in with_paho or not whole):
            break
        found = run(lambda settings: cpython("many_paho", settings), PAHO, seed).faults.keys()
        with_paho.setdefault(broker_name, set()).update(found)
        left = left - found
    assert not left, f"paho does not see the same: {[trial.faults[fault] for fault in left]}"
