"""A client of three servers: nobody is at the first, and the second closes while the client is connected to it."""

import asyncio

from aio_runner import make


def run(device):
    servers = [tuple(one) for one in device.config["servers"]]

    async def main():
        async with make(device, server=servers, backoff=(0.05, 0.2), verbose=False) as client:
            refused = client.last_error.args
            await client.publish(device.topic("up"), "before", qos=1)
            device.say("connected", ups=[[True, client.port]], refused=refused)
            await client.down.wait()
            await client.publish(device.topic("up"), "after", qos=1)
            device.say("again", ups=[[True, client.port]])

    asyncio.run(main())
