"""The echo program with aiomqttc."""

import asyncio
import sys

import aiomqttc

from umqtt2 import MQTTClient

aiomqttc.log = lambda *_: None  # it prints the time of a board's clock, which is not there


async def main():
    c = MQTTClient("sizes", "localhost", int(sys.argv[1]))
    queue = []
    come = asyncio.Event()

    async def on_message(client, topic, payload, retain):
        queue.append(payload)
        come.set()

    c.on_message = on_message
    await c.connect()
    await c.subscribe("sizes/down", 1)
    for _ in range(int(sys.argv[2])):
        while not queue:
            come.clear()
            await come.wait()
        await c.publish("sizes/up", queue.pop(0), 1)
    await c.disconnect()


asyncio.run(main())
