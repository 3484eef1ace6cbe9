"""The other side of many messages: paho, which publishes those down to the device and counts those that come up."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from tools.testkit.broker import HOST
from tools.testkit.mosquitto import PASSWORD, USER

SECONDS = 60
AHEAD = 60  # messages that are on their way down, at the most
LOST = 3  # seconds after which those that do not come hold up no others: some brokers lose them when they restart
IN_FLIGHT = 8  # some brokers drop what is more than 20, and after a reconnect paho sends more than it was told


class Counter:
    """Use it with `with`. It has a session, and connects again at once.

    arrived    (QoS, number) of each message, in their order
    """

    def __init__(self, port: int, prefix: str, qos: Sequence[int]) -> None:
        """prefix: of the topics; qos: of the messages in turn, each numbered from 0."""
        self.arrived: list[tuple[int, int]] = []
        self._port = port
        self._prefix = prefix
        self._qos = qos
        self._published = self._acknowledged = 0
        self._allowed = 0  # messages down that may have been published
        self._come = self._lost = 0  # messages down that the device has, and that it seems not to get
        self._come_at = time.monotonic()
        self._arrived_at = self._come_at
        self._subscribed = threading.Event()
        self._ended = False
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, f"{prefix}/counter".replace("/", "-"), clean_session=False, protocol=MQTTv311
        )
        client.username_pw_set(USER, PASSWORD)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *more: self._subscribed.set()
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.connect_async(HOST, port, 20)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Counter:
        self._thread.start()
        self.wait_until_subscribed()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended = True
        self._thread.join(SECONDS)

    @property
    def quiet(self) -> float:
        """Seconds since a message has come up."""
        return time.monotonic() - self._arrived_at

    def has(self, count: int) -> bool:
        """Whether so many messages have come up, each counted once."""
        return len(set(self.arrived)) >= count

    def allow(self, come: int, total: int) -> None:
        """Publish on: so many of the messages down have come to the device, of so many in all."""
        now = time.monotonic()
        if come > self._come:
            self._come, self._come_at = come, now
        elif now - self._come_at > LOST:
            self._lost, self._come_at = self._allowed - come, now
        self._allowed = min(total, come + self._lost + AHEAD)

    def broker_ends(self) -> None:
        """Say that the broker is stopped: `wait_until_subscribed` waits for another one."""
        self._subscribed.clear()

    def wait_until_subscribed(self) -> None:
        """Wait until the broker gives it what comes up."""
        assert self._subscribed.wait(SECONDS), "paho has no subscription"

    def _run(self) -> None:
        # All in one thread: paho's calls from another one wait for its own.
        while not self._ended:
            try:
                self._client.reconnect()
            except OSError:
                time.sleep(0.02)
                continue
            while not self._client.loop(0.005) and not self._ended:
                # Not before it has sent again what was not acknowledged.
                while self._client.is_connected() and self._may_publish():
                    qos = self._qos[self._published % len(self._qos)]
                    number = self._published // len(self._qos)
                    self._client.publish(f"{self._prefix}/down/{qos}", str(number), qos)
                    self._published += 1
        self._client.disconnect()

    def _may_publish(self) -> bool:
        return self._published < self._allowed and self._published - self._acknowledged < IN_FLIGHT

    def _on_connect(self, client: Client, *more: Any) -> None:
        client.subscribe([(f"{self._prefix}/up/{qos}", qos) for qos in self._qos])

    def _on_publish(self, *more: Any) -> None:
        self._acknowledged += 1

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        self.arrived.append((int(message.topic[-1]), int(message.payload)))
        self._arrived_at = time.monotonic()
