"""The same for clients of asyncio, each with the methods of umqtt2.aio: `main("aio", "echo", "127.0.0.1", 1883, 0.5)`
prints one sample."""

import asyncio
import json

from feeder import MSG, TOPIC, Feeder
from speed import slices

TASKS = 20  # that publish at once
SLICE_US = 20000
KEEPALIVE = 10  # seconds, while it is idle
BACK = "bench/back"
WHERE = TOPIC.decode()


async def connect(c, n):
    for _ in range(n):
        await c.connect()
        await c.disconnect()


async def qos0(c, n):
    for _ in range(n):
        await c.publish(WHERE, MSG, qos=0)


async def qos1(c, n):
    for _ in range(n):
        await c.publish(WHERE, MSG, qos=1)


async def tasks(c, n):
    """So many tasks publish at once, each one message."""
    for _ in range(0, n, TASKS):
        await asyncio.gather(*[c.publish(WHERE, MSG, qos=1) for _ in range(TASKS)])


async def receive(c, n):
    async for _ in c:
        n -= 1
        if not n:
            break


async def echo(c, n):
    """Each message that comes is answered at QoS 1."""
    async for message in c:
        await c.publish(BACK, message.payload, qos=1)
        n -= 1
        if not n:
            break


RECEIVE = {"receive": 0, "receive1": 1, "echo": 1}


async def measured(use, measure, host, port, seconds):
    c = use.client(host, port, 60)
    feeder = None
    if measure != "connect":
        await c.connect()
    if measure in RECEIVE:
        await c.subscribe(WHERE, qos=RECEIVE[measure])
        feeder = Feeder(host, port, TOPIC, RECEIVE[measure])
    work = "receive" if measure == "receive1" else measure
    work = getattr(use, work, globals()[work])  # a client's own way, where it has one
    for n in slices(seconds, TASKS if measure == "tasks" else 1, feeder, SLICE_US):
        await work(c, n)


async def wake_ups(use, host, port, seconds):
    """How often the event loop wakes while the client has nothing to do, for some keepalives."""
    await use.client(host, port, KEEPALIVE).connect()
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
    print(json.dumps({"count": count, "us": int(seconds * 1000000)}))


def main(client, measure, host, port, seconds):
    """Run a measure of a client for some time; print how many messages, or wake-ups, and in how long."""
    use = __import__("use_" + client)
    if measure == "idle":
        asyncio.run(wake_ups(use, host, port, min(2 * KEEPALIVE, 80 * seconds)))
    else:
        asyncio.run(measured(use, measure, host, port, seconds))
