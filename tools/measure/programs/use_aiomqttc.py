"""aiomqttc. Its `publish` at QoS 1 looks for the acknowledgement ten times a second."""

import asyncio

import aiomqttc

aiomqttc.log = lambda *_: None  # it prints the time of a board's clock, which is not there
received = 0
changed = asyncio.Event()


async def on_message(client, topic, payload, retain):
    global received
    received += 1
    changed.set()


def client(host, port, keepalive):
    c = aiomqttc.MQTTClient("bench", host, port, keepalive=keepalive)
    c.on_message = on_message
    return c


async def receive(c, n):
    global received
    while received < n:
        changed.clear()
        await changed.wait()
    received -= n
