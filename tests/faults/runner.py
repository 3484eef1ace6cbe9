"""Run a schedule of faults on one device and its proxy."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Callable

from tests.faults.checker import Record, Task, repeated_after_pubrel
from tests.faults.device import Crashed, Device
from tests.faults.observer import Observer
from tests.faults.proxy import Proxy
from tests.faults.schedule import Schedule
from umqtt2.cpython.aio import wait_for

COMMANDS = 4  # messages for the device, at each QoS
LAST = "last"
TIMEOUT = 120  # seconds after which a schedule is stuck; killing a broker takes twenty of them on a busy machine

# Arguments of the device's client: it detects failures and reconnects quickly, but with pauses.
CLIENT: dict[str, Any] = {"keepalive": 1, "socket_timeout": 0.5, "backoff": (0.01, 0.05), "limit": 20}
# Where every fault is noticed at once, a busy machine should not end a connection before its fault.
PATIENT: dict[str, Any] = {"keepalive": 20, "socket_timeout": 10}


class Runner:
    """Runs one schedule at a time. Several runners may share a broker and its observer.

    observer        to be set before the first run, and after each restart of the broker
    broker_lock     held while a command is published; whoever kills the broker holds it
    broker_forgets  True when the broker will be killed and lose commands
    ready           an event: the device's subscriptions are granted, or it has finished
    """

    def __init__(self, name: str, device: Device, proxy: Proxy, folder: Path | None = None) -> None:
        """folder: where the device keeps its sessions, if not in RAM."""
        self.name = name
        self.device = device
        self.proxy = proxy
        self.observer: Observer | None = None
        self.broker_lock = asyncio.Lock()
        self.broker_forgets = False
        self.ready = asyncio.Event()
        self._folder = folder
        self._runs = 0
        self._record = Record(Task())
        self._end_sent = False
        self._output_changed = asyncio.Event()
        proxy.power = device.power_off

    async def run(
        self, schedule: Schedule, task: Task | None = None, may_end: asyncio.Event | None = None, **more: Any
    ) -> Record:
        """Run a schedule, and return its record.

        may_end  an event: the device is not told to end before it is set
        more     arguments of the device's client and store, besides CLIENT; `five` is MQTT 5
        """
        assert self.observer
        self._runs += 1
        self._end_sent = False
        prefix = f"{self.name}.{self._runs:06}"
        self._record = record = Record(task or Task())
        async with self.broker_lock:
            await self.observer.forget(self.name)
        await self.proxy.start(schedule)
        config = {
            "prefix": prefix,
            "client": self.name,
            "port": self.proxy.port,
            "count": record.task.count,
            "sizes": record.task.sizes,
            "file": self._folder and str(self._folder / prefix),
            "timeout_ms": TIMEOUT * 1000,
            **CLIENT,
            **more,
        }
        commands_task = asyncio.get_running_loop().create_task(self._send_commands(prefix, may_end))
        try:
            await wait_for(self._read_output(config, list(schedule.power)), TIMEOUT + 5)
        except asyncio.TimeoutError:
            record.finished = False
            await self.device.off()
        except Crashed as error:
            record.finished = False
            record.crashed = str(error)
        finally:
            commands_task.cancel()
            (failed,) = await asyncio.gather(commands_task, return_exceptions=True)
        if isinstance(failed, Exception):
            raise failed
        self.ready.set()
        await self.proxy.clear()
        await self.observer.fence(prefix)
        connects = sum(passed["up"] > 0 for passed in self.proxy.passed)
        record.connack_lost = connects > record.output.count(["up"])
        record.broker_repeated = repeated_after_pubrel(self.proxy.to_device, bool(more.get("five")))
        record.arrived = self.observer.arrived.pop(prefix, [])
        return record

    async def _read_output(self, config: dict[str, Any], power: list[int]) -> None:
        # Record the device's output until its task is over; restart it whenever it has lost its power.
        output = self._record.output
        loop = asyncio.get_running_loop()
        first = 0
        while True:
            await self.device.send_task(json.dumps({**config, "first": first}))
            timer = loop.call_later(power.pop(0) / 1000, self.device.power_off) if power else None
            words = [""]
            while words and words[0] != "over":
                words = await self.device.read_words()
                output.append(words or ["killed"])
                self._output_changed.set()
                if words and words[0] == "begin":
                    first = int(words[1]) + 1
            if timer:
                timer.cancel()
            if words:
                self._record.finished = words[1] == "0" and self._end_sent
                return
            self.proxy.injected["power"] += 1

    async def _send_commands(self, prefix: str, may_end: asyncio.Event | None) -> None:
        # Send the commands when the device has subscribed; tell it to end when it has received all.
        output = self._record.output
        commands = self._record.commands
        await self._until(lambda: ["ready"] in output)
        self.ready.set()
        for qos in (1, 2):
            commands[qos] = []
            for i in range(COMMANDS):
                await self._send(prefix, qos, f"{i}")
        if may_end:
            await may_end.wait()
        if self.broker_forgets:
            # Retained, because the broker may have lost the device's subscriptions.
            await self._send(prefix, 1, LAST, retain=True)
            await self._until(lambda: ["got", "1", LAST] in output)
        else:
            expected = [["got", f"{qos}", i] for qos, sent in commands.items() for i in sent]
            await self._until(lambda: all(words in output for words in expected))
        self._end_sent = True
        while True:
            self.device.end()
            # Repeat it after a power failure: the device may not have read it.
            await self._until(lambda: output[-1] == ["killed"])
            await self._until(lambda: output[-1] != ["killed"])

    async def _send(self, prefix: str, qos: int, payload: str, retain: bool = False) -> None:
        async with self.broker_lock:
            assert self.observer
            self._record.commands[qos].append(payload)
            await self.observer.send(f"{prefix}/down/{qos}", payload, qos, retain)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._output_changed.clear()
            await self._output_changed.wait()
