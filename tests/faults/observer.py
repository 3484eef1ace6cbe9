"""An independent client of the broker, which records the messages that arrive there."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import Any, Callable

from paho.mqtt.client import Client, MQTTMessage

from tools.testkit import observer

SECONDS = 60


class Observer(observer.Observer):
    """Use it with `async with`; make one for each start of the broker. It connects to the broker directly,
    without faults, and subscribes at QoS 0: a message that it receives twice arrived twice at the broker.
    paho-mqtt's thread calls its callbacks, also for all that the broker sent before it was killed.

    arrived  by the first level of the topic: (rest of the topic, payload), in order of arrival
    """

    def __init__(self, port: int, arrived: dict[str, list[tuple[str, str]]] | None = None, in_flight: int = 20) -> None:
        """
        arrived    the record of the previous observer, which this one continues
        in_flight  how many messages it sends before the first is acknowledged
        """
        super().__init__("127.0.0.1", port)
        self.arrived = defaultdict(list) if arrived is None else arrived
        self._fences: set[str] = set()
        self._client.max_inflight_messages_set(in_flight)

    async def __aenter__(self) -> Observer:
        self.__enter__()
        self.subscribe("+/up/#", 0)
        self.subscribe("fence/#", 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.__exit__()

    async def send(self, topic: str, payload: str, qos: int, retain: bool = False) -> None:
        """Publish, and wait until the broker has it."""
        await self._until(self._client.publish(topic, payload, qos, retain).is_published)

    async def fence(self, name: str) -> None:
        """Return when everything is recorded that the broker had received before."""
        self._client.publish(f"fence/{name}")
        await self._until(lambda: name in self._fences)
        self._fences.remove(name)

    async def forget(self, client_id: str) -> None:
        """Connect with clean session, so that the broker drops the session and its connection."""
        name = client_id.encode()
        reader, writer = await asyncio.open_connection(*self._address)
        length = 12 + len(name)
        writer.write(b"\x10%c\0\4MQTT\4\2\0\0\0%c%s" % (length, len(name), name))
        assert await reader.readexactly(4) == b"\x20\2\0\0"
        writer.write(b"\xe0\0")
        writer.close()

    async def _until(self, happens: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not happens():
            assert time.monotonic() < end, "the broker does not answer"
            await asyncio.sleep(0.001)

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        name, _, rest = message.topic.partition("/")
        if name == "fence":
            self._fences.add(rest)
        else:
            self.arrived[name].append((rest.partition("/")[2], message.payload.decode()))
