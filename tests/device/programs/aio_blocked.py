"""Leave while the network takes nothing, and a client that waits would wait for ever."""

import asyncio

from aio_parts import Turns
from aio_runner import make


async def publish(client, topic, sent):
    payload = bytes(1000)
    while True:
        await client.publish(topic, payload)
        sent[0] += 1


async def main(device):
    async with make(device, socket_timeout=None, keepalive=0) as client:
        sent = [0]  # how many; a list that grows would take as much memory as the network is fast
        publishing = [asyncio.create_task(publish(client, device.topic("up"), sent)) for _ in range(2)]
        idle = 0
        while idle < 75:  # 1.5 s: when the window is closed, TCP asks again after 0.2 s, 0.6 s, 1.4 s
            sent[0] = 0
            await asyncio.sleep(0.02)
            idle = 0 if sent[0] else idle + 1
        device.say("blocked")
        turns = Turns()
    turns = turns.end()
    ended = []
    for task in publishing:
        try:
            await task
        except Exception as e:
            ended.append(type(e).__name__)
    device.say("left", turns=turns, ended=ended)


def run(device):
    asyncio.run(main(device))
