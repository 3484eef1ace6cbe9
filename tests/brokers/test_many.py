"""Many messages each way with any broker, over a network that breaks and a broker that restarts; counted by paho.

A message at QoS 2 that came to the device twice was sent twice by the broker: the bytes that went to the device show
it. What came up and was acknowledged before it was lost, by a broker whose sessions are gone when it restarts, they
show as well. A broker with which messages are lost otherwise, doubled on their way up, out of order, or never
acknowledged is tried with paho in the device's place, with the same cuts: what befalls both is the broker's doing. All
else is a failure.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter as Numbers
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.brokers311 import FORGET, KEEPS
from tests.brokers.conftest import CLIENTS, MANY, PAHO
from tests.brokers.counter import Counter
from tests.brokers.machines import Cpython
from tests.faults.proxy import Proxy
from tests.faults.schedule import DOWN, UP, Fault, Schedule
from tools.testkit.broker import HOST
from tools.testkit.other_brokers import PASSWORD, USER
from tools.testkit.vm import Run

SIZE = 20  # bytes of a message on the wire, at the least
QUIET = 60  # seconds, longer than any broker takes to repeat a message: what has not come then is lost
TIMES = 3  # that paho is tried
NUMBERS = itertools.count(1)
Message = tuple[int, int]  # QoS and number


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


def packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The packets of one way of a connection, each its first byte and what follows the length. None has more than 127
    bytes; one that was cut off is left out."""
    at = 0
    while at + 1 < len(data) and at + 2 + data[at + 1] <= len(data):
        end = at + 2 + data[at + 1]
        yield data[at], data[at + 2 : end]
        at = end


def publication(body: bytes) -> tuple[int, int, int]:
    """Packet identifier, published QoS and number of a message at QoS 1 or 2."""
    topic = 2 + int.from_bytes(body[:2], "big")
    return int.from_bytes(body[topic : topic + 2], "big"), int(body[topic - 1 : topic]), int(body[topic + 2 :])


def sent_twice(connections: Sequence[bytes]) -> set[int]:
    """The numbers of the messages at QoS 2 that come twice to a device that does as section 4.3.3 says, and takes one
    with another content for another one, whatever its packet identifier.

    connections: the bytes that went to the device
    """
    known: dict[int, int] = {}  # by packet identifier, until it is released
    numbers: Numbers[int] = Numbers()
    for data in connections:
        for first, body in packets(data):
            if first == 0x20 and not body[0]:
                known.clear()
            elif first & 0xF0 == 0x30:
                pid, qos, number = publication(body)
                if qos == 2:
                    numbers[number] += known.get(pid) != number
                if first & 4:
                    known[pid] = number
            elif first == 0x62:
                known.pop(int.from_bytes(body, "big"), None)
    return {number for number, times in numbers.items() if times > 1}


def acknowledged(up: Sequence[bytes], down: Sequence[bytes]) -> set[Message]:
    """The messages from the device that the broker has acknowledged, with PUBACK or PUBCOMP.

    up, down: the bytes of each connection; the device gives no packet identifier twice
    """
    sent: dict[int, Message] = {}
    for data in up:
        for first, body in packets(data):
            if first & 0xF0 == 0x30:
                pid, qos, number = publication(body)
                sent[pid] = qos, number
    answers = [body for data in down for first, body in packets(data) if first in (0x40, 0x70)]
    return {sent[pid] for pid in (int.from_bytes(body, "big") for body in answers) if pid in sent}


class Trial:
    """One device, one broker, and the network between them.

    own_doing  numbers of the messages at QoS 2 that the device has doubled itself
    unsure     messages that came up to nobody, and were not acknowledged either
    """

    own_doing: set[int]
    unsure: set[Message]

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
        everything = {(qos, number) for qos in case.qos for number in range(case.count)}
        self.unsure = everything - set(counter.arrived) - acknowledged(up, down)
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

    def faults(start: Callable[[dict[str, Any]], Run], name: str, seed: int) -> dict[str, str]:
        trial = Trial(broker, case, start)
        found = trial.faults(str(seed))
        if name != PAHO:
            unsure.update(trial.unsure)
        assert name == PAHO or not trial.own_doing, trial.own_doing
        said = ", ".join(found.values()) or "yes"
        MANY.setdefault(name, {}).setdefault(broker_name, []).append(said)
        return found

    unsure: set[Message] = set()
    left = faults(ours, CLIENTS[kind], 1)
    left.pop("doubled down", None)  # by the broker
    if broker_name in FORGET:
        left.pop("doubled up", None)  # what had its PUBREC is sent again, or it could be lost
        if not unsure:
            left.pop("lost up 1", None)
            left.pop("lost up 2", None)
    for seed in range(1, TIMES + 1):
        if not left and (broker_name in MANY.get(PAHO, {}) or not whole):
            break
        found = faults(theirs, PAHO, seed)
        left = {fault: text for fault, text in left.items() if fault not in found}
    assert not left, "paho does not see the same"
