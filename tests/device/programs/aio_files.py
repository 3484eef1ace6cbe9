"""Go on while files of the build `aio`, which it loads for one call each, cannot be loaded."""

import asyncio

from aio_runner import run_client


async def scenario(device, client):
    for _ in range(device.config["rounds"]):
        device.say("up")
        await client.down.wait()
        while not isinstance(client.last_error, ImportError):
            await asyncio.sleep(0.05)
        device.say("failed")
        await client.up.wait()
    told = False
    while True:
        try:
            await client.subscribe(device.topic("down"), qos=1)
            break
        except ImportError:
            if not told:
                device.say("not subscribed", waiting=client.session.waiting())
            told = True
            await asyncio.sleep(0.05)
    device.say("subscribed")
    device.say("got", payload=(await client.next()).payload.decode())


def run(device):
    try:
        run_client(device, scenario, 100, backoff=(0.1, 0.1), verbose=False)
    except ImportError:
        device.say("not connected")
