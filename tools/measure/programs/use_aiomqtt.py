"""aiomqtt."""

import asyncio

import aiomqtt


async def connect(host, port, keepalive=60):
    client = aiomqtt.Client(host, port, identifier="bench", keepalive=keepalive)
    return await client.__aenter__()


async def disconnect(c):
    await c.__aexit__(None, None, None)


async def subscribe(c, topic, qos):
    await c.subscribe(topic.decode(), qos=qos)


async def publish(c, topic, msg, qos):
    await c.publish(topic.decode(), msg, qos=qos)


async def publish_at_once(c, topic, msg, n):
    await asyncio.gather(*[c.publish(topic.decode(), msg, qos=1) for _ in range(n)])


async def receive(c, n):
    async for _ in c.messages:
        n -= 1
        if not n:
            break


async def echo(c, n, topic):
    async for message in c.messages:
        await c.publish(topic.decode(), message.payload, qos=1)
        n -= 1
        if not n:
            break
