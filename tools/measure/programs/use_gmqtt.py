"""gmqtt. Its `publish` does not wait: its store of what is unacknowledged is waited for."""

import asyncio

import gmqtt
from gmqtt.mqtt.constants import MQTTv311


async def connect(host, port, keepalive=60):
    client = gmqtt.Client("bench", clean_session=True)
    client.queue = asyncio.Queue()
    client.on_message = on_message
    client.on_subscribe = lambda *_: client.granted.set()
    await client.connect(host, port, version=MQTTv311, keepalive=keepalive)
    return client


async def on_message(client, topic, payload, qos, properties):
    client.queue.put_nowait(payload)
    return 0


async def disconnect(c):
    await c.disconnect()


async def subscribe(c, topic, qos):
    c.granted = asyncio.Event()
    c.subscribe(topic.decode(), qos=qos)
    await c.granted.wait()


async def publish(c, topic, msg, qos):
    c.publish(topic.decode(), msg, qos=qos)
    if qos:
        await c._persistent_storage.wait_empty()
    else:
        await asyncio.sleep(0)


async def publish_at_once(c, topic, msg, n):
    for _ in range(n):
        c.publish(topic.decode(), msg, qos=1)
    await c._persistent_storage.wait_empty()


async def receive(c, n):
    for _ in range(n):
        await c.queue.get()


async def echo(c, n, topic):
    for _ in range(n):
        await publish(c, topic, await c.queue.get(), 1)
