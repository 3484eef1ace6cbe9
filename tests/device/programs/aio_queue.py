"""A slow consumer: the queue is full for longer than the keepalive, and nothing is lost."""

import asyncio

from aio_stage import play, take


async def scene(device, client):
    await client.subscribe(device.topic("down"), 1)
    device.say("ready")
    await asyncio.sleep(device.config["seconds"])
    messages = await take(device, client, device.config["count"])
    device.say("got", payloads=[message[1] for message in messages], dropped=client.dropped)


def run(device):
    ups = []
    play(device, scene, keepalive=2, queue=3)
    device.say("ups", ups=ups)
