"""A slow consumer: the queue is full for longer than the keepalive, and nothing is lost."""

import asyncio

from aio_runner import receive, run_client


async def scenario(device, client):
    await client.subscribe(device.topic("down"), qos=1)
    device.say("ready")
    await asyncio.sleep(device.config["seconds"])
    messages = await receive(device, client, device.config["count"])
    device.say("got", payloads=[message[1] for message in messages], dropped=client.dropped)


def run(device):
    run_client(device, scenario, keepalive=2, queue=3)
