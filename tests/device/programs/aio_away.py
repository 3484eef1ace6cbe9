"""Leave while the broker is away and the next attempt is far, in each way that a block can be left."""

import asyncio

from aio_parts import Transport, Turns
from aio_runner import make
from transports import transport_of

from umqtt2 import MQTTException


async def use(device, client, how, ready):
    async with client:
        client.transport.away = True
        publishing = asyncio.create_task(client.publish(device.topic("up"), how, qos=1))
        await client.down.wait()
        for _ in range(10):
            await asyncio.sleep(0)  # now it waits for the time of the next attempt
        ready.set()
        if how == "raise":
            raise KeyError
        if how == "cancel":
            await asyncio.sleep(1000)
        if how == "disconnect":
            await client.disconnect()
        if how == "connect":
            await client.disconnect()
            client.transport.away = False
            await client.connect()
    try:
        await publishing
        return "published"
    except MQTTException as e:
        return e.args[0]


async def main(device):
    left = []
    transport = Transport(transport_of(device))
    client = make(device, transport=transport, backoff=(100000, 100000), keepalive=1, verbose=False)
    for how in ("end", "raise", "cancel", "disconnect", "connect"):
        client.transport.away = False
        ready = asyncio.Event()
        task = asyncio.create_task(use(device, client, how, ready))
        await ready.wait()
        turns = Turns()
        if how == "cancel":
            task.cancel()
        try:
            result = await task
        except (KeyError, asyncio.CancelledError) as e:
            result = type(e).__name__
        left.append([how, result, turns.end()])
    device.say("left", left=left)


def run(device):
    asyncio.run(main(device))
