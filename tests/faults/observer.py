"""An independent client of the broker, which records the messages that arrive there."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from umqtt2.cpython.aio import wait_for

SECONDS = 60


class Observer:
    """Use it with `async with`; make one for each start of the broker. It connects to the broker directly,
    without faults, and subscribes at QoS 0: a message that it receives twice arrived twice at the broker.
    paho-mqtt's thread calls its callbacks, also for all that the broker sent before it was killed.

    arrived  by the first level of the topic: (rest of the topic, payload), in order of arrival
    """

    def __init__(
        self, port: int, arrived: dict[str, list[tuple[str, str]]] | None = None, in_flight: int = 20
    ) -> None:
        """
        arrived    the record of the previous observer, which this one continues
        in_flight  how many messages it sends before the first is acknowledged
        """
        self.arrived = defaultdict(list) if arrived is None else arrived
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._events: dict[object, asyncio.Event] = defaultdict(asyncio.Event)
        self._client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        self._client.max_inflight_messages_set(in_flight)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda client, data, mid, *more: self._set("granted")
        self._client.on_publish = lambda client, data, mid, *more: self._set(mid)
        self._client.on_disconnect = lambda *more: self._set("gone")

    async def __aenter__(self) -> Observer:
        self._client.connect("127.0.0.1", self._port)
        self._client.subscribe([("+/up/#", 0), ("fence/#", 0)])
        self._client.loop_start()
        await self._wait("granted")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._client.disconnect()
        await self._wait("gone")
        self._client.loop_stop()

    async def send(self, topic: str, payload: str, qos: int, retain: bool = False) -> None:
        """Publish, and wait until the broker has it."""
        await self._wait(self._client.publish(topic, payload, qos, retain).mid)

    async def fence(self, name: str) -> None:
        """Return when everything is recorded that the broker had received before."""
        self._client.publish(f"fence/{name}")
        await self._wait(name)

    async def forget(self, client_id: str) -> None:
        """Connect with clean session, so that the broker drops the session and its connection."""
        name = client_id.encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        length = 12 + len(name)
        writer.write(b"\x10%c\0\4MQTT\4\2\0\0\0%c%s" % (length, len(name), name))
        assert await reader.readexactly(4) == b"\x20\2\0\0"
        writer.write(b"\xe0\0")
        writer.close()

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        name, _, rest = message.topic.partition("/")
        if name == "fence":
            self._set(rest)
        else:
            self.arrived[name].append((rest.partition("/")[2], message.payload.decode()))

    def _set(self, what: object) -> None:
        self._loop.call_soon_threadsafe(lambda: self._events[what].set())

    async def _wait(self, what: object) -> None:
        await wait_for(self._events[what].wait(), SECONDS)
        del self._events[what]
