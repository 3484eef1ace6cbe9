"""umqtt2.aio."""

import asyncio

from umqtt2.aio import MQTTClient


async def connect(host, port, keepalive=60):
    client = MQTTClient("bench", host, port, keepalive=keepalive, clean_session=True, queue=1000)
    return await client.connect()


async def disconnect(c):
    await c.disconnect()


async def subscribe(c, topic, qos):
    await c.subscribe(topic, qos=qos)


async def publish(c, topic, msg, qos):
    await c.publish(topic, msg, qos=qos)


async def publish_at_once(c, topic, msg, n):
    await asyncio.gather(*[c.publish(topic, msg, qos=1) for _ in range(n)])


async def receive(c, n):
    async for _ in c.messages():
        n -= 1
        if not n:
            break


async def echo(c, n, topic):
    async for message in c.messages():
        await c.publish(topic, message.payload, qos=1)
        n -= 1
        if not n:
            break
