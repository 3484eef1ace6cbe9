"""What prevents the first connection is raised, and the client can try again."""

import asyncio

from aio_runner import make

from umqtt2 import MQTTException


async def main(device):
    client = make(device, socket_timeout=1)
    port = client.port
    said = None
    client.port = device.config["fault"]
    try:
        async with client:
            pass
    except (OSError, MQTTException) as e:
        said = [type(e).__name__, e.args[0]]
    client.port = port
    async with client:
        await client.publish(device.topic("up"), "after", qos=1)
    device.say("connected", said=said)


def run(device):
    asyncio.run(main(device))
