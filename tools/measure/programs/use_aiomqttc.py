"""aiomqttc. Its `publish` at QoS 1 looks for the acknowledgement ten times a second."""

import asyncio

import aiomqttc
from aiomqttc import MQTTClient

aiomqttc.log = lambda *_: None  # it prints the time of a board's clock, which is not there


async def connect(host, port, keepalive=60):
    c = MQTTClient("bench", host, port, keepalive=keepalive)
    c.received = 0
    c.changed = asyncio.Event()

    async def on_message(client, topic, payload, retain):
        c.received += 1
        c.changed.set()

    c.on_message = on_message
    assert await c.connect()
    return c


async def subscribe(c, topic, qos):
    await c.subscribe(topic.decode(), qos)


async def publish(c, topic, msg, qos):
    await c.publish(topic.decode(), msg, qos)


async def receive(c, n):
    while c.received < n:
        c.changed.clear()
        await c.changed.wait()
    c.received -= n
