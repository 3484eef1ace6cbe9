"""Leave, and enter again at once, while the broker is still sending, and with messages that nobody has taken."""

import asyncio
import gc

from aio_parts import Transport
from aio_runner import make
from transports import transport_of


async def main(device):
    up = device.topic("up")
    client = make(device, transport=Transport(transport_of(device)), queue=2, will=(up, "the last will", False, 1))
    free = []
    for i in range(device.config["count"]):
        gc.collect()
        free.append(gc.mem_free())
        async with client:
            await client.subscribe(device.topic("down"), qos=i % 3)
            for j in range(5):
                await client.publish(device.topic("down"), b"-" * 500, qos=j // 4)
            await client.publish(up, "%d" % i)
    device.say("left", grown=free[10] - free[-1])


def run(device):
    asyncio.run(main(device))
