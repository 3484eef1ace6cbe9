"""gmqtt. Its `publish` does not wait: its store of what is unacknowledged is waited for."""

import asyncio
from collections import namedtuple

import gmqtt
from async_speed import MSG, TASKS, WHERE
from gmqtt.mqtt.constants import MQTTv311

Message = namedtuple("Message", "payload")


async def on_message(client, topic, payload, qos, properties):
    client.queue.put_nowait(Message(payload))
    return 0


class Client(gmqtt.Client):
    def __init__(self, *where):
        super().__init__("bench", clean_session=True)
        self.where = where
        self.queue = asyncio.Queue()
        self.granted = asyncio.Event()
        self.on_message = on_message
        self.on_subscribe = lambda *_: self.granted.set()

    async def connect(self):
        host, port, keepalive = self.where
        await super().connect(host, port, version=MQTTv311, keepalive=keepalive)

    async def subscribe(self, topic, qos):
        super().subscribe(topic, qos=qos)
        await self.granted.wait()

    async def publish(self, topic, msg, qos):
        super().publish(topic, msg, qos=qos)
        if qos:
            await self._persistent_storage.wait_empty()
        else:
            await asyncio.sleep(0)

    def __aiter__(self):
        return self

    def __anext__(self):
        return self.queue.get()


async def tasks(c, n):
    for _ in range(0, n, TASKS):
        for _ in range(TASKS):
            gmqtt.Client.publish(c, WHERE, MSG, qos=1)
        await c._persistent_storage.wait_empty()


client = Client
