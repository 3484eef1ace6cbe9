"""Leave again and again while the broker is still sending."""

import asyncio

from aio_runner import Client


async def main(device):
    for i in range(device.config["count"]):
        client = device.client(Client, queue=2)
        client.set_last_will(device.topic("up"), "the last will")
        async with client:
            await client.subscribe(device.topic("down"))
            for _ in range(10):
                await client.publish(device.topic("down"), b"-" * 500)
            await client.publish(device.topic("up"), "%d" % i)


def run(device):
    asyncio.run(main(device))
