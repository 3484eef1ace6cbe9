"""Common code of the programs with asyncio clients."""

import asyncio

from harness import time

from umqtt2.aio import MQTTClient

TIMEOUT = 25  # seconds; a connection on which nothing moves is pinged after 30


def make(device, **options):
    """Return a client, not yet connected; `options` go before the configured ones."""
    return MQTTClient(**device.arguments(**options))


def run_client(device, scenario, timeout=TIMEOUT, **options):
    """Run the coroutine function `scenario(device, client)` with a connected client."""

    async def main():
        async with make(device, **options) as client:
            await scenario(device, client)

    start = time.ticks_ms()
    asyncio.run(main())
    if time.ticks_diff(time.ticks_ms(), start) > timeout * 1000:  # asyncio.wait_for would take memory
        raise RuntimeError("it took longer than %d s" % timeout)


async def receive(device, client, count):
    """Return the next messages: a list of [topic without prefix, payload, retained]."""
    device.messages = []
    while len(device.messages) < count:
        topic, payload, retain, *_ = await client.next()
        device.on_message(topic, payload, retain, False)
    return device.messages
