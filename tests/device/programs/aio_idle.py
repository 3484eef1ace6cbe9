"""Count how often an idle client wakes: how often the event loop looks at its sockets and its time."""

import asyncio

from aio_runner import run_client


async def scenario(device, client):
    await client.subscribe(device.topic("down"))
    await asyncio.sleep(0.2)
    queue = asyncio.core._io_queue
    look = queue.wait_io_event
    wakes = 0

    def counted(ms):
        nonlocal wakes
        wakes += 1
        look(ms)

    queue.wait_io_event = counted
    await asyncio.sleep(device.config["seconds"])
    del queue.wait_io_event
    device.say("idle", wakes=wakes)


def run(device):
    run_client(device, scenario, keepalive=device.config["keepalive"])
