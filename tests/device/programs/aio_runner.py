"""Common code of the programs with asyncio clients."""

import asyncio

from umqtt2.aio import MQTTClient

TIMEOUT = 15


class Client(MQTTClient):
    """Ignores the message callback that the device sets, so that messages() gets the messages."""

    def set_callback(self, f):
        pass


def run_client(device, scenario, **options):
    """Run the coroutine function `scenario(device, client)` with a connected client."""

    async def main():
        client = device.client(Client, **options)
        async with client:
            await asyncio.wait_for(scenario(device, client), TIMEOUT)

    asyncio.run(main())


async def receive(device, client, count):
    """Return the next messages: a list of [topic without prefix, payload, retained]."""
    device.messages = []
    async for topic, msg, retained in client.messages():
        device.on_message(topic, msg, retained, False)
        if len(device.messages) == count:
            return device.messages
