"""A client of the broker that receives what the device published, and publishes to the device."""

from __future__ import annotations

import ssl
import threading
import time
from typing import Any, Callable, NamedTuple, TypeVar

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

SECONDS = 60
# Messages that are published before an acknowledgement. mosquitto acknowledges and drops those at QoS 2 beyond its
# `max_inflight_messages`, 20, and paho-mqtt does not keep to that.
TOGETHER = 10

Self = TypeVar("Self", bound="Observer")


class Message(NamedTuple):
    """A message as the broker delivers it."""

    payload: bytes
    qos: int = 0
    retain: bool = False


class Observer:
    """paho-mqtt, which has a thread of its own, with calls that block; use it with `with`."""

    def __init__(
        self,
        hostname: str,
        port: int,
        username: str | None = None,
        password: str | None = None,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._address = hostname, port
        self._messages: dict[str, list[Message]] = {}
        self._gone = threading.Event()
        self._granted: set[int] = set()  # identifiers of subscriptions
        self._client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        self._client.username_pw_set(username, password)
        if tls_context:
            self._client.tls_set_context(tls_context)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda client, data, number, *more: self._granted.add(number)
        self._client.on_disconnect = lambda *more: self._gone.set()

    def __enter__(self: Self) -> Self:
        self._client.connect(*self._address)
        self._client.loop_start()
        self._wait(self._client.is_connected, "accepted a client")
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.disconnect()
        self._gone.wait(SECONDS)  # until all has arrived that the broker had sent
        self._client.loop_stop()

    def subscribe(self, topic: str, qos: int = 1) -> None:
        """Watch a topic filter from now on."""
        number = self._client.subscribe(topic, qos)[1]
        self._wait(lambda: number in self._granted, f"granted a subscription to {topic}")

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Publish, and wait for the broker to have it at QoS 1."""
        self.publish_all(topic, [payload], qos, retain)

    def publish_all(self, topic: str, payloads: list[bytes], qos: int, retain: bool = False) -> None:
        """Publish many in their order, and wait for the broker to have them at QoS 1 and 2."""
        for i in range(0, len(payloads), TOGETHER):
            for sent in [self._client.publish(topic, payload, qos, retain) for payload in payloads[i : i + TOGETHER]]:
                self._wait(sent.is_published, f"acknowledged a message on {topic}")

    def next(self, topic: str, seconds: float = SECONDS) -> Message:
        """Give the next message on a topic, in the order of arrival, and wait for it if need be."""
        self._wait(lambda: self._messages.get(topic), f"delivered a message on {topic}", seconds)
        return self._messages[topic].pop(0)

    def rest(self, topic: str) -> list[Message]:
        """Return what else has arrived on a topic so far."""
        return self._messages.pop(topic, [])

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        entry = Message(message.payload, message.qos, message.retain)
        self._messages.setdefault(message.topic, []).append(entry)

    def _wait(self, happens: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
        end = time.monotonic() + seconds
        while not happens():
            assert time.monotonic() < end, f"the broker has not {what}"
            time.sleep(0.002)
