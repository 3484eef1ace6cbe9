"""A client of the broker that receives what the device published, and publishes to the device."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any, NamedTuple

import aiomqtt

SECONDS = 60
# Messages that are published before an acknowledgement. mosquitto acknowledges and drops those at QoS 2 beyond its
# `max_inflight_messages`, 20, and paho-mqtt, which aiomqtt is made of, does not keep to that.
TOGETHER = 10


class Message(NamedTuple):
    """A message as the broker delivers it."""

    payload: bytes
    qos: int = 0
    retain: bool = False


class Observer:
    """aiomqtt in a thread of its own, with calls that block."""

    def __init__(self, **settings: Any) -> None:
        """settings: arguments of aiomqtt.Client."""
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._arrived = threading.Condition()
        self._messages: dict[str, list[Message]] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Observer:
        self._thread.start()
        self._client = self._call(self._make())
        self._call(self._client.__aenter__())
        self._listening = asyncio.run_coroutine_threadsafe(self._listen(), self._loop)
        return self

    def __exit__(self, *exc: object) -> None:
        self._listening.cancel()
        self._call(self._client.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    def subscribe(self, topic: str, qos: int = 1) -> None:
        """Watch a topic filter from now on."""
        self._call(self._client.subscribe(topic, qos))

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Publish, and wait for the broker to have it at QoS 1."""
        self._call(self._client.publish(topic, payload, qos, retain))

    def publish_all(self, topic: str, payloads: list[bytes], qos: int) -> None:
        """Publish many in their order, and wait for the broker to have them at QoS 1 and 2."""

        async def all_of_them() -> None:
            for i in range(0, len(payloads), TOGETHER):
                some = payloads[i : i + TOGETHER]
                await asyncio.gather(*[self._client.publish(topic, payload, qos) for payload in some])

        self._call(all_of_them(), len(payloads) / 10 + SECONDS)

    def next(self, topic: str, seconds: float = SECONDS) -> Message:
        """Give the next message on a topic, in the order of arrival, and wait for it if need be."""
        end = time.monotonic() + seconds
        with self._arrived:
            while not self._messages.get(topic):
                left = end - time.monotonic()
                assert left > 0, f"the broker has not delivered a message on {topic}"
                self._arrived.wait(left)
            return self._messages[topic].pop(0)

    def rest(self, topic: str) -> list[Message]:
        """Return what else has arrived on a topic so far."""
        with self._arrived:
            return self._messages.pop(topic, [])

    async def _make(self) -> aiomqtt.Client:
        return aiomqtt.Client(**self._settings)

    async def _listen(self) -> None:
        async for message in self._client.messages:
            with self._arrived:
                entry = Message(bytes(message.payload), int(message.qos), bool(message.retain))
                self._messages.setdefault(str(message.topic), []).append(entry)
                self._arrived.notify_all()

    def _call(self, task: Coroutine[Any, Any, Any], seconds: float = SECONDS) -> Any:
        return asyncio.run_coroutine_threadsafe(task, self._loop).result(seconds)
