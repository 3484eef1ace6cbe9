"""The other side: an independent client of the broker, which notes what arrives there."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.faults.within import within

SECONDS = 10


class Observer:
    """Use it with `async with`; make one for each start of the broker. It goes to the broker directly, and
    at QoS 0: what it notes came over a connection without faults, so a message that comes twice came
    twice to the broker. paho-mqtt's own thread calls it, and calls it for all that was sent before the
    broker was killed.

    arrived  by the first level of the topic: (rest of the topic, payload), in the order of arrival
    """

    def __init__(self, port: int, arrived: dict[str, list[tuple[str, str]]] | None = None) -> None:
        """arrived: what the one before has noted, to go on with."""
        self.arrived = defaultdict(list) if arrived is None else arrived
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._happened: dict[object, asyncio.Event] = defaultdict(asyncio.Event)
        self._client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda client, data, mid, *more: self._tell("granted")
        self._client.on_publish = lambda client, data, mid, *more: self._tell(mid)
        self._client.on_disconnect = lambda *more: self._tell("gone")

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
        """Return when all has been noted that the broker had before."""
        self._client.publish(f"fence/{name}")
        await self._wait(name)

    async def forget(self, client_id: str) -> None:
        """Have the broker forget a session, and end its connection."""
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
            self._tell(rest)
        else:
            self.arrived[name].append((rest.partition("/")[2], message.payload.decode()))

    def _tell(self, what: object) -> None:
        self._loop.call_soon_threadsafe(lambda: self._happened[what].set())

    async def _wait(self, what: object) -> None:
        await within(SECONDS, self._happened[what].wait())
        del self._happened[what]
