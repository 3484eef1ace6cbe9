"""One device, its proxy, and what is needed to play schedules on them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Callable

from tests.faults.device import Crashed, Device
from tests.faults.judge import Account, Task
from tests.faults.observer import Observer
from tests.faults.proxy import Proxy
from tests.faults.schedule import Schedule
from tests.faults.within import within

COMMANDS = 4  # that are sent to the device, at each QoS
LAST = "last"
PATIENCE = 20  # seconds after which a schedule is stuck

# What the device's client is made with: quick to notice and quick to come back, and yet with pauses.
CLIENT: dict[str, Any] = {"keepalive": 1, "socket_timeout": 0.5, "backoff": (0.01, 0.05), "limit": 20}


class Lane:
    """Plays one schedule at a time. Several lanes may share a broker and its observer.

    observer  to be set before anything is played, and whenever there is a new one
    calm      a lock: held while the broker is given something for the device; hold it to kill the broker
    forgets   True when the broker will be killed and forget commands
    ready     an event: the device's subscriptions are granted, or it has come to its end
    """

    def __init__(self, name: str, device: Device, proxy: Proxy, folder: Path | None = None) -> None:
        """folder: where the device keeps its sessions, if not in RAM."""
        self.name = name
        self.device = device
        self.proxy = proxy
        self.observer: Observer | None = None
        self.calm = asyncio.Lock()
        self.forgets = False
        self.ready = asyncio.Event()
        self._folder = folder
        self._played = 0
        self._account = Account(Task())
        self._told_to_end = False
        self._heard = asyncio.Event()
        proxy.power = device.power_off

    async def play(
        self, schedule: Schedule, task: Task | None = None, hold: asyncio.Event | None = None, **more: Any
    ) -> Account:
        """Play a schedule, and give the account of it.

        hold  an event: the device is not told to end before it is set
        more  arguments of the device's client and store, besides CLIENT
        """
        assert self.observer
        self._played += 1
        self._told_to_end = False
        prefix = f"{self.name}.{self._played:06}"
        self._account = account = Account(task or Task())
        async with self.calm:
            await self.observer.forget(self.name)
        await self.proxy.play(schedule)
        told = {
            "prefix": prefix,
            "client": self.name,
            "port": self.proxy.port,
            "count": account.task.count,
            "sizes": account.task.sizes,
            "file": self._folder and str(self._folder / prefix),
            "patience": PATIENCE * 1000,
            **CLIENT,
            **more,
        }
        conductor = asyncio.get_running_loop().create_task(self._conduct(prefix, hold))
        try:
            await within(PATIENCE + 5, self._follow(told, list(schedule.power)))
        except asyncio.TimeoutError:
            account.finished = False
            await self.device.off()
        except Crashed as error:
            account.finished = False
            account.crashed = str(error)
        finally:
            conductor.cancel()
            (failed,) = await asyncio.gather(conductor, return_exceptions=True)
        if isinstance(failed, Exception):
            raise failed
        self.ready.set()
        await self.proxy.clear()
        await self.observer.fence(prefix)
        asked = sum(passed["up"] > 0 for passed in self.proxy.passed)
        account.unwelcome = asked > account.said.count(["up"])
        account.arrived = self.observer.arrived.pop(prefix, [])
        return account

    async def _follow(self, told: dict[str, Any], power: list[int]) -> None:
        # Note what the device says until its task is over; start it again whenever it has lost its power.
        said = self._account.said
        loop = asyncio.get_running_loop()
        first = 0
        while True:
            await self.device.tell(json.dumps({**told, "first": first}))
            timer = loop.call_later(power.pop(0) / 1000, self.device.power_off) if power else None
            words = [""]
            while words and words[0] != "over":
                words = await self.device.words()
                said.append(words or ["killed"])
                self._heard.set()
                if words and words[0] == "begin":
                    first = int(words[1]) + 1
            if timer:
                timer.cancel()
            if words:
                self._account.finished = words[1] == "0" and self._told_to_end
                return
            self.proxy.injected["power"] += 1

    async def _conduct(self, prefix: str, hold: asyncio.Event | None) -> None:
        # Send the commands when the device has subscribed, and tell it to end when it has them all.
        said = self._account.said
        commands = self._account.commands
        await self._until(lambda: ["ready"] in said)
        self.ready.set()
        for qos in (1, 2):
            commands[qos] = []
            for i in range(COMMANDS):
                await self._send(prefix, qos, f"{i}")
        if hold:
            await hold.wait()
        if self.forgets:
            # Retained, because the device's subscriptions may not be there again.
            await self._send(prefix, 1, LAST, retain=True)
            await self._until(lambda: ["got", "1", LAST] in said)
        else:
            expected = [["got", f"{qos}", i] for qos, sent in commands.items() for i in sent]
            await self._until(lambda: all(words in said for words in expected))
        self._told_to_end = True
        while True:
            self.device.end()
            # Again when it has lost its power, perhaps before it has read that.
            await self._until(lambda: said[-1] == ["killed"])
            await self._until(lambda: said[-1] != ["killed"])

    async def _send(self, prefix: str, qos: int, payload: str, retain: bool = False) -> None:
        async with self.calm:
            assert self.observer
            self._account.commands[qos].append(payload)
            await self.observer.send(f"{prefix}/down/{qos}", payload, qos, retain)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._heard.clear()
            await self._heard.wait()
