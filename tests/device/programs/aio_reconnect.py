"""Several tasks publish while the network is cut again and again."""

import asyncio

from aio_runner import receive, run_client


async def scenario(device, client):
    await client.subscribe(device.topic("down"), qos=2)
    device.say("ready")

    async def publish(first):
        for i in range(first, device.config["count"], 2):
            await client.publish(device.topic("up"), "%d" % i, qos=1 + i % 2)
            await asyncio.sleep(0.02)

    tasks = [asyncio.create_task(publish(i)) for i in range(2)]
    messages = await receive(device, client, 2)
    for task in tasks:
        await task
    device.say("delivered", messages=messages, error=str(client.last_error), dropped=client.dropped)


def run(device):
    run_client(device, scenario, backoff=(0.05, 0.2))
