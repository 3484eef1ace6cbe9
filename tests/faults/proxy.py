"""A proxy between one device and the broker, which injects the faults of a schedule."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Sequence
from typing import Callable

from tests.faults.schedule import DOWN, UP, Fault, Schedule

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

ATTEMPTS = 50  # to listen
AT_ONCE = 4096
AT_BYTE = ("cut", "reset", "stall", "half-open", "power")  # these begin at a byte position
WHOLE_CONNECTION = ("delay", "fragment")
FRAGMENT_PAUSE = 0.0005


class Proxy:
    """Use it with `async with`.

    port          where the device connects to
    injected      how many faults of each kind happened
    passed        for each connection since `start`, how many bytes were forwarded: {"up": ..., "down": ...}
    to_device     for each of them, the bytes themselves that went to the device
    from_device   for each of them, those that came from it and were forwarded
    noticed       for each connection that stayed half-open: seconds until the device closed it
    forwarding    an event: while it is not set, nothing is forwarded
    broker_up     False: every connection is refused
    power         a function for the fault "power": it cuts off the device's power
    """

    def __init__(self, broker_port: int) -> None:
        self.injected: Counter[str] = Counter()
        self.passed: list[dict[str, int]] = []
        self.to_device: list[bytearray] = []
        self.from_device: list[bytearray] = []
        self.noticed: list[float] = []
        self.forwarding = asyncio.Event()
        self.forwarding.set()
        self.broker_up = True
        self.power: Callable[[], None] = lambda: None
        self.port = 0
        self.random = random.Random()
        self._broker_port = broker_port
        self._coming_faults: list[tuple[Fault, ...]] = []  # of the connections to come
        self._tasks: set[asyncio.Task[None]] = set()  # one for each connection
        self._server: asyncio.AbstractServer | None = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Proxy:
        # Bound all the time, so that no other program takes the port while nothing listens.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self.port = self._reserved.getsockname()[1]
        await self._listen()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.clear()
        self._unlisten()
        self._reserved.close()

    async def start(self, schedule: Schedule) -> None:
        """Start a schedule in place of the current one."""
        await self.clear()
        self._coming_faults = list(schedule.connections)
        self.passed = []
        self.to_device = []
        self.from_device = []
        self.random.seed(schedule.name)
        self._stop_listening_if_due()

    async def clear(self) -> None:
        """End the schedule, and close every connection."""
        self._coming_faults = []
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._listen()

    def hand_on(self, faults: Sequence[Fault]) -> None:
        """Keep faults for the next connection: theirs has ended before they came, as on a busy machine."""
        if faults:
            self._coming_faults.insert(0, tuple(faults))

    # --- Listening -----------------------------------------------------------------------------------

    async def _listen(self) -> None:
        async with self._opening:
            for attempt in range(ATTEMPTS):
                if self._server:
                    break
                try:
                    # In two steps: when it is cancelled after it listens, the server has to be known.
                    self._server = await asyncio.start_server(
                        self._accept, "127.0.0.1", self.port, reuse_address=True, limit=AT_ONCE, start_serving=False
                    )
                    await self._server.start_serving()
                except OSError:  # on a busy machine the port may be in use for a moment
                    self._unlisten()
                    if attempt == ATTEMPTS - 1:
                        raise
                    await asyncio.sleep(0.1)

    def _unlisten(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    def _stop_listening_if_due(self) -> None:
        # The fault "closed" means that the next connection is refused by the system.
        if self._coming_faults and any(fault.kind == "closed" for fault in self._coming_faults[0]):
            ms = max(fault.ms for fault in self._coming_faults.pop(0))
            self.injected["closed"] += 1
            self._unlisten()
            self._spawn(self._reopen(ms))

    async def _reopen(self, ms: int) -> None:
        await asyncio.sleep(ms / 1000)
        await self._listen()
        self._stop_listening_if_due()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._spawn(self._serve((reader, writer)))

    def _spawn(self, work: object) -> None:
        task = asyncio.get_running_loop().create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, device: Streams) -> None:
        if not self.broker_up:
            reset(device[1])
            return
        faults = self._coming_faults.pop(0) if self._coming_faults else ()
        if any(fault.kind == "refuse" for fault in faults):
            self.injected["refuse"] += 1
            reset(device[1])
        else:
            try:
                broker = await asyncio.open_connection("127.0.0.1", self._broker_port, limit=AT_ONCE)
            except OSError:
                reset(device[1])
                self.hand_on(faults)
                return
            await _Link(self, faults, device, broker).run()
        self._stop_listening_if_due()


class _Link:
    """One connection of the device, and the matching one to the broker."""

    def __init__(self, proxy: Proxy, faults: tuple[Fault, ...], device: Streams, broker: Streams) -> None:
        self._proxy = proxy
        self._faults = faults
        self._to_come = [fault for fault in faults if fault.kind in AT_BYTE]
        self._device = device
        self._broker = broker
        self._discards = False
        self._half_open = 0.0  # since when
        self._passed = {UP: 0, DOWN: 0}
        self._bytes = {UP: bytearray(), DOWN: bytearray()}
        proxy.passed.append(self._passed)
        proxy.to_device.append(self._bytes[DOWN])
        proxy.from_device.append(self._bytes[UP])

    async def run(self) -> None:
        """Forward both directions until both are closed."""
        loop = asyncio.get_running_loop()
        tasks = [
            loop.create_task(self._pump(UP, self._device, self._broker[1])),
            loop.create_task(self._pump(DOWN, self._broker, self._device[1])),
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            self._close(reset)

    async def _pump(self, way: str, source: Streams, target: asyncio.StreamWriter) -> None:
        ours = [fault for fault in self._faults if fault.way == way]
        stops = sorted((fault for fault in ours if fault.kind in AT_BYTE), key=lambda fault: fault.at)
        slow = [fault for fault in ours if fault.kind in WHOLE_CONNECTION]
        try:
            await self._inject(way, stops)
            while True:
                data = await source[0].read(AT_ONCE)
                acknowledge_at_once(source[1])
                if not data:
                    break
                if slow and not self._passed[way]:
                    self._proxy.injected.update(fault.kind for fault in slow)
                await asyncio.sleep(sum(fault.ms for fault in slow) / 1000)
                await self._forward(way, data, target, stops, [fault.size for fault in slow if not fault.ms])
        except OSError:
            pass
        if way == UP and not self._discards:  # the device has ended it, or the broker
            self._proxy.hand_on(self._to_come)
        # A half-open connection does not forward FIN either.
        if not self._discards:
            target.close()
        elif way == UP and self._half_open:
            self._proxy.noticed.append(time.monotonic() - self._half_open)

    async def _forward(
        self, way: str, data: bytes, target: asyncio.StreamWriter, stops: list[Fault], sizes: list[int]
    ) -> None:
        # Forward it in parts that end where a fault begins.
        while data:
            await self._proxy.forwarding.wait()
            if self._discards:
                return
            n = len(data)
            for size in sizes:
                n = min(n, size or self._proxy.random.randint(1, 40))
            if stops:
                n = min(n, stops[0].at - self._passed[way])
            target.write(data[:n])
            self._bytes[way] += data[:n]
            await target.drain()
            self._passed[way] += n
            data = data[n:]
            await self._inject(way, stops)
            if sizes and data:
                await asyncio.sleep(FRAGMENT_PAUSE)

    async def _inject(self, way: str, stops: list[Fault]) -> None:
        # Inject the faults that begin at this byte position.
        while stops and stops[0].at <= self._passed[way] and not self._discards:
            fault = stops.pop(0)
            self._to_come.remove(fault)
            self._proxy.injected[fault.kind] += fault.kind != "power"  # the runner counts it
            if fault.kind == "cut":
                self._close(asyncio.StreamWriter.close)
            elif fault.kind == "reset":
                self._close(reset)
            elif fault.kind == "stall":
                await asyncio.sleep(fault.ms / 1000)
            elif fault.kind == "power":
                self._proxy.power()
            else:
                self._discards = True
                if not fault.ms:
                    self._half_open = time.monotonic()
                else:
                    asyncio.get_running_loop().call_later(fault.ms / 1000, reset, self._device[1])

    def _close(self, how: Callable[[asyncio.StreamWriter], None]) -> None:
        self._discards = True
        for _, writer in (self._device, self._broker):
            how(writer)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with RST."""
    sock = writer.get_extra_info("socket")
    if sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def acknowledge_at_once(writer: asyncio.StreamWriter) -> None:
    """Disable delayed acknowledgements, for which Linux would wait 40 ms."""
    sock = writer.get_extra_info("socket")
    if hasattr(socket, "TCP_QUICKACK") and sock.fileno() >= 0:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
