"""Several tasks of one client publish, receive, and give up waiting."""

import asyncio

from aio_runner import receive, run_client


async def scenario(device, client):
    await client.subscribe(device.topic("down"), qos=1)
    device.say("ready")
    count = device.config["count"]
    up = device.topic("up")
    tasks = [asyncio.create_task(client.publish(up, "%d" % i, qos=i % 3)) for i in range(count)]
    messages = await receive(device, client, 3)
    for task in tasks:
        await task
    tasks = task = None
    device.say("got", messages=messages)

    # Each of these is cancelled while it waits.
    cancelled = 0
    for wait in (
        client.publish(up, "cancelled", qos=1),
        client.subscribe(device.topic("other")),
        client.unsubscribe(device.topic("other")),
        client.next(),
    ):
        try:
            await asyncio.wait_for(wait, 0)
        except asyncio.TimeoutError:
            cancelled += 1
    await client.unsubscribe(device.topic("down"))
    await client.publish(up, "still here", qos=1)
    device.say("cancelled", count=cancelled, stored=client.session.waiting())


def run(device):
    run_client(device, scenario, keepalive=30)
    device.say("left")
