"""The same for clients of asyncio: `main("aio", "echo", "127.0.0.1", 1883, 0.5)` prints one sample."""

import asyncio
import json

from feeder import MSG, TOPIC, Feeder
from speed import LARGEST, ticks_diff, ticks_us

TASKS = 20  # that publish at once
SLICE_US = 20000  # a slice shorter than this does not count: it is how the size of a slice is found
KEEPALIVE = 10  # seconds, while it is idle
BACK = TOPIC + b"/back"


async def connect(use, c, n):
    """Connect and leave; `c` is where to."""
    for _ in range(n):
        await use.disconnect(await use.connect(*c))


async def qos0(use, c, n):
    for _ in range(n):
        await use.publish(c, TOPIC, MSG, 0)


async def qos1(use, c, n):
    for _ in range(n):
        await use.publish(c, TOPIC, MSG, 1)


async def tasks(use, c, n):
    """So many tasks publish at once, each one message."""
    for _ in range(0, n, TASKS):
        await use.publish_at_once(c, TOPIC, MSG, TASKS)


async def receive(use, c, n):
    await use.receive(c, n)


async def echo(use, c, n):
    """Each message that comes is answered at QoS 1."""
    await use.echo(c, n, BACK)


RECEIVE = {"receive": 0, "receive1": 1, "echo": 1}


async def measured(use, measure, host, port, seconds):
    c = (host, port) if measure == "connect" else await use.connect(host, port)
    work = globals()["receive" if measure == "receive1" else measure]
    feeder = None
    if measure in RECEIVE:
        await use.subscribe(c, TOPIC, RECEIVE[measure])
        feeder = Feeder(host, port, TOPIC, RECEIVE[measure])
    n = TASKS if measure == "tasks" else 1
    count = took = 0
    while took < seconds * 1000000:
        if feeder:
            feeder.feed(n)
        start = ticks_us()
        await work(use, c, n)
        slice_us = ticks_diff(ticks_us(), start)
        if n < LARGEST and slice_us < SLICE_US:
            n *= 2
        else:
            count += n
            took += slice_us
    return {"count": count, "us": took}


async def wake_ups(use, host, port, seconds):
    """How often the event loop wakes while the client has nothing to do, for some keepalives."""
    await use.connect(host, port, KEEPALIVE)
    await asyncio.sleep(0.2)
    selector = asyncio.get_running_loop()._selector
    select = selector.select
    count = 0

    def counted(timeout=None):
        nonlocal count
        count += 1
        return select(timeout)

    selector.select = counted
    await asyncio.sleep(seconds)
    selector.select = select
    return {"count": count, "us": int(seconds * 1000000)}


def main(client, measure, host, port, seconds):
    """Run a measure of a client for some time; print how many messages, or wake-ups, and in how long."""
    use = __import__("use_" + client)
    if measure == "idle":
        work = wake_ups(use, host, port, min(2 * KEEPALIVE, 80 * seconds))
    else:
        work = measured(use, measure, host, port, seconds)
    print(json.dumps(asyncio.run(work)))
