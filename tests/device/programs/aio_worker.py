"""A worker that fails, and a block that fails: what they had comes to the next who asks, in its order."""

import asyncio

from aio_runner import make


async def fail(client):
    await client.next()
    raise KeyError


async def finish(client):
    await client.next()


async def main(device):
    client = make(device)
    got = []
    try:
        async with client:
            await client.subscribe(device.topic("down"), qos=2)
            device.say("ready")
            await asyncio.create_task(finish(client))  # 0
            worker = asyncio.create_task(fail(client))  # 1
            try:
                await worker
            except KeyError:
                pass
            for _ in range(3):
                got.append((await client.next()).payload.decode())
            raise ValueError
    except ValueError:
        pass
    async with client:
        for _ in range(2):
            got.append((await client.next()).payload.decode())
        try:
            got.append((await client.next(0.5)).payload.decode())
        except asyncio.TimeoutError:
            pass
    device.say("got", payloads=got)


def run(device):
    asyncio.run(main(device))
