"""Common code of the programs with asyncio clients."""

import asyncio

from umqtt2.aio import MQTTClient

TIMEOUT = 25  # seconds; a connection on which nothing moves is pinged after 30


def make(device, **options):
    """Return a client, not yet connected; `options` go before the configured ones."""
    return MQTTClient(**device.arguments(**options))


def run_client(device, scenario, timeout=TIMEOUT, **options):
    """Run the coroutine function `scenario(device, client)` with a connected client."""

    async def main():
        async with make(device, **options) as client:
            await asyncio.wait_for(scenario(device, client), timeout)

    asyncio.run(main())


async def receive(device, client, count):
    """Return the next messages: a list of [topic without prefix, payload, retained]."""
    device.messages = []
    while len(device.messages) < count:
        topic, payload, retain, *_ = await client.next()
        device.on_message(topic, payload, retain, False)
    return device.messages
