"""What the programs with asynchronous clients share."""

import asyncio

from umqtt2.aio import MQTTClient

PATIENCE = 15


class Client(MQTTClient):
    """What the device sets does not take the messages from messages()."""

    def set_callback(self, f):
        pass


def play(device, scene, **options):
    """Run the coroutine function `scene(device, client)` with a connected client."""

    async def main():
        client = device.client(Client, **options)
        async with client:
            await asyncio.wait_for(scene(device, client), PATIENCE)

    asyncio.run(main())


async def take(device, client, count):
    """Take messages: a list of [topic without prefix, payload, retained]."""
    device.messages = []
    async for topic, msg, retained in client.messages():
        device.on_message(topic, msg, retained, False)
        if len(device.messages) == count:
            return device.messages
