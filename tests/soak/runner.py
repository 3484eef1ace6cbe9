"""Send many messages each way between a device with a small heap and a broker, over connections that break."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any, Callable

from tests.device.machine import BOARD_HEAP
from tests.faults.broker import Broker
from tests.faults.observer import Observer
from tests.faults.proxy import Proxy
from tests.faults.schedule import DOWN, UP, Fault, Schedule
from tests.soak.results import Results
from tools import fetch
from tools.testkit import vm
from tools.testkit.tree import SOURCE, lay_out
from tools.testkit.vm import Run

PROGRAMS = Path(__file__).parent / "programs"
NAME = "soak"
MAX_QUEUED = 100  # messages that the broker may hold for the device
MAX_IN_FLIGHT = 10  # of them may be on the way to the broker
BYTES = 30  # of a message with its acknowledgement, approximately
FIVE_HEAP = 96  # KB
DAY = 24 * 3600.0


async def soak(
    folder: Path,
    count: int,
    warm_up: int = 500,
    every: int = 2000,
    show: Callable[[str], None] = lambda line: None,
    five: bool = False,
) -> Results:
    """Run the soak test in an empty folder.

    every  messages each way before a connection breaks, on average; between half and 1.5 times as many
    show   called with a line of progress every few seconds
    five   with MQTT 5 and the sources, otherwise with the build `full`
    """
    start = time.monotonic()
    with Broker(folder / "broker") as broker:
        async with Proxy(broker.port) as proxy, Observer(broker.port) as observer:
            await proxy.start(schedule(every, min(every, warm_up // 2)))
            config = {"prefix": NAME, "client": NAME, "port": proxy.port, "warm_up": warm_up, "count": count}
            config["five"] = five
            with start_device(folder / "device", config) as run:
                watching = asyncio.create_task(watch(observer, proxy, show))
                try:
                    await asyncio.to_thread(run.event, "ready")
                    warm, _ = await asyncio.gather(
                        asyncio.to_thread(run.event, "warm", DAY), send(observer, 0, warm_up)
                    )
                    show(f"free heap  {warm['free']:,} bytes after the warm-up")
                    done, _ = await asyncio.gather(
                        asyncio.to_thread(run.event, "done", DAY), send(observer, warm_up, warm_up + count)
                    )
                finally:
                    watching.cancel()
            await observer.fence(NAME)
            breaks = sum(proxy.injected.values())
    arrived, unexpected = count_arrivals(observer.arrived[NAME], warm_up + count)
    return Results(warm_up, count, breaks, warm, done, arrived, unexpected, time.monotonic() - start)


def schedule(every: int, first: int) -> Schedule:
    """Connections that end after so many messages each way, usually in the middle of a packet; the first
    one after `first`."""
    rng = random.Random(NAME)

    def fault(messages: float) -> tuple[Fault, ...]:
        return (Fault(rng.choice(["cut", "reset"]), rng.choice([UP, DOWN]), int(messages * BYTES)),)

    later = [fault(every * rng.uniform(0.5, 1.5)) for _ in range(10_000)]
    return Schedule(NAME, (fault(first), *later))


def start_device(folder: Path, config: dict[str, Any]) -> Run:
    """Start the program on the 32-bit VM, with a small board's heap."""
    path = fetch.vm32()
    tree, heap = (SOURCE, FIVE_HEAP) if config["five"] else ("full", BOARD_HEAP)
    lay_out(tree, folder, PROGRAMS, compiled=vm.reads_mpy(path))
    return vm.start(path, folder, heap, "-c", f"import soak; soak.main({config!r})")


async def send(observer: Observer, first: int, end: int) -> None:
    """Publish messages for the device, as fast as it receives them."""
    while first < end:
        numbers = range(first, min(end, received(observer) + MAX_QUEUED, first + MAX_IN_FLIGHT))
        if numbers:
            await asyncio.gather(*(observer.send(f"{NAME}/down/1", str(n), 1) for n in numbers))
            first = numbers.stop
        else:
            await asyncio.sleep(0.001)


def received(observer: Observer) -> int:
    """How many messages the device has received, as its last message says."""
    messages = observer.arrived[NAME]
    return int(messages[-1][1].split()[1]) if messages else 0


async def watch(observer: Observer, proxy: Proxy, show: Callable[[str], None]) -> None:
    """Show the progress every few seconds."""
    start = time.monotonic()
    while True:
        await asyncio.sleep(10)
        show(
            f"{time.monotonic() - start:4.0f} s  {len(observer.arrived[NAME]):,} to the broker, "
            f"{received(observer):,} to the device, {sum(proxy.injected.values())} connections broken"
        )


def count_arrivals(messages: list[tuple[str, str]], total: int) -> tuple[list[int], int]:
    """How often each of the messages 0 to total - 1 arrived, and how many others did."""
    arrived = [0] * total
    unexpected = 0
    for _, payload in messages:
        number = int(payload.split()[0])
        if number < total:
            arrived[number] += 1
        else:
            unexpected += 1
    return arrived, unexpected
