"""A client that is not ours, paho-mqtt, with MQTT 5: at the other end, and to see who is at fault."""

from __future__ import annotations

import threading
import time
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from tools.testkit.broker import HOST

SECONDS = 60


class Paho:
    """Use it with `with`; its calls wait.

    messages  what has come
    reasons   the reason codes that have come, of each kind of packet: "connack", "suback", "puback", "disconnect"
    """

    def __init__(
        self,
        port: int,
        client_id: str = "",
        user: str = "",
        password: str = "",
        watch: str = "",
        window: int = 65535,
    ) -> None:
        """
        watch   a topic filter to subscribe to at the beginning
        window  its Receive Maximum
        """
        self.messages: list[MQTTMessage] = []
        self.reasons: dict[str, list[int]] = {"connack": [], "suback": [], "puback": [], "disconnect": []}
        self.connack: dict[str, Any] = {}  # its properties
        self._arrived = threading.Condition()
        self._port = port
        self._watch = watch
        self._window = window
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv5, reconnect_on_failure=False
        )
        if user:
            client.username_pw_set(user, password)
        client.max_inflight_messages_set(20 if window < 65535 else 5)
        client.on_message = self._on_message
        client.on_connect = self._on_connect
        client.on_subscribe = lambda c, u, mid, codes, props: self._note("suback", codes[0])
        client.on_publish = lambda c, u, mid, code, props: self._note("puback", code)
        client.on_disconnect = lambda c, u, flags, code, props: self._note("disconnect", code)

    def __enter__(self) -> Paho:
        properties = Properties(PacketTypes.CONNECT)
        properties.ReceiveMaximum = self._window
        self._client.connect(HOST, self._port, keepalive=8, properties=properties)
        self._client.loop_start()
        self.wait(lambda: self.reasons["connack"] or self.reasons["disconnect"])
        if self._watch:
            self.subscribe(self._watch)
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def subscribe(self, topic: str, qos: int = 2, **options: Any) -> int:
        """Subscribe, and return the reason code."""
        before = len(self.reasons["suback"])
        self._client.subscribe(topic, options=SubscribeOptions(qos, **options))
        self.wait(lambda: len(self.reasons["suback"]) > before)
        return self.reasons["suback"][-1]

    def publish(self, topic: str, payload: str | bytes, **values: Any) -> int:
        """Publish at QoS 1, wait until the broker has it, and return the reason code. values: properties by paho's
        names."""
        before = len(self.reasons["puback"])
        properties = Properties(PacketTypes.PUBLISH)
        for name, value in values.items():
            setattr(properties, name, value)
        self._client.publish(topic, payload, 1, properties=properties)
        self.wait(lambda: len(self.reasons["puback"]) > before)
        return self.reasons["puback"][-1]

    def send(self, topic: str, payload: str | bytes, qos: int = 1) -> None:
        """Publish without waiting."""
        self._client.publish(topic, payload, qos)

    def fence(self, topic: str) -> None:
        """Return when all has come that the broker had before; `topic` is of its own."""
        self.subscribe(topic)
        self.publish(topic, "fence")
        self.wait(lambda: self.messages and self.messages[-1].topic == topic)
        self.messages.pop()

    def publish_all(self, topic: str, payloads: list[str], qos: list[int]) -> None:
        """Publish many at once."""
        before = len(self.reasons["puback"])
        for payload, one in zip(payloads, qos):
            self._client.publish(topic, payload, one)
        self.wait(lambda: len(self.reasons["puback"]) >= before + len(payloads))

    def reply(self) -> None:
        """Answer the next message, a request, with its payload in capitals."""
        question = self.next()
        props: Any = question.properties
        self.publish(props.ResponseTopic, question.payload.upper(), CorrelationData=props.CorrelationData)

    def next(self) -> MQTTMessage:
        """Return the next message, and wait for it if need be."""
        self.wait(lambda: self.messages)
        return self.messages.pop(0)

    def wait(self, condition: Any, seconds: float = SECONDS) -> None:
        """Wait until `condition()`."""
        end = time.monotonic() + seconds
        with self._arrived:
            while not condition():
                left = end - time.monotonic()
                assert left > 0, f"paho waited too long: {self.reasons} {[m.payload for m in self.messages]}"
                self._arrived.wait(left)

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()

    def _on_connect(self, client: Client, data: Any, flags: Any, code: Any, props: Properties | None) -> None:
        self.connack = dict(vars(props)) if props else {}
        self._note("connack", code)

    def _note(self, what: str, code: Any) -> None:
        with self._arrived:
            self.reasons[what].append(getattr(code, "value", code))
            self._arrived.notify_all()
