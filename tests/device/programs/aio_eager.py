"""What a program sends before it knows whether the broker accepts it: `umqtt2.aio`."""

import asyncio

from aio_runner import make

from umqtt2 import MQTTException


async def converse(device):
    async with make(device, eager=True) as client:
        up = client.is_connected()
        first = client.publish(device.topic("up"), "reading", qos=1)
        await asyncio.gather(client.subscribe(device.topic("down"), qos=1), first)
    return up


def run(device):
    number = 0
    up = False
    try:
        up = asyncio.run(converse(device))
    except (OSError, MQTTException) as e:
        number = e.args[0]
    device.say("told", number=number, up=up)
