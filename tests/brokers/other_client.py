"""A client that is not ours, paho-mqtt: at the other end of MQTT 5, and to see who is at fault."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.brokers.remote import Raised
from tools.testkit.broker import HOST
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import PASSWORD, USER
from umqtt2.errno import ECONCLOSE, ECONUNKNOWN

QUIET_MS = 300  # for what should not come
# The codes of 3.1.1's CONNACK, for which paho has reason codes of MQTT 5.
CODES = {0x84: 1, 0x85: 2, 0x88: 3, 0x86: 4, 0x87: 5}


class Paho:
    """With MQTT 5. Use it with `with`; its calls wait.

    messages  what has come
    reasons   the reason codes that have come, of each kind of packet: "connack", "suback", "unsuback", "puback",
              "disconnect"
    """

    seconds: float = 60  # that it waits

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
        self._port = port
        self._watch = watch
        self._window = window
        self._use(Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5, reconnect_on_failure=False))
        if user:
            self._client.username_pw_set(user, password)
        self._client.max_inflight_messages_set(20 if window < 65535 else 5)

    def _use(self, client: Client) -> None:
        self.messages: list[MQTTMessage] = []
        self.reasons: dict[str, list[int]] = defaultdict(list)
        self.connack: dict[str, Any] = {}  # its properties
        self._client = client
        client.on_message = lambda c, u, message: self.messages.append(message)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda c, u, mid, codes, props: self._note("suback", codes[0])
        client.on_unsubscribe = lambda c, u, mid, codes, props: self._note("unsuback", 0)
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
        how: dict[str, Any] = {"options": SubscribeOptions(qos, **options)} if options else {"qos": qos}
        return self._answer("suback", lambda: self._client.subscribe(self._topic(topic), **how))

    def publish(self, topic: str, payload: str | bytes, qos: int = 1, retain: bool = False, **values: Any) -> int:
        """Publish, wait until the broker has it, and return the reason code. values: properties by paho's names."""
        properties = Properties(PacketTypes.PUBLISH) if values else None
        for name, value in values.items():
            setattr(properties, name, value)
        return self._answer(
            "puback", lambda: self._client.publish(self._topic(topic), payload, qos, retain, properties)
        )

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

    def wait(self, condition: Callable[[], object], seconds: float = 0) -> None:
        """Wait until `condition()`; by default some time."""
        end = time.monotonic() + (seconds or self.seconds)
        while not condition():
            if time.monotonic() > end:
                print("paho:", self.reasons, [message.payload for message in self.messages])
                raise Raised("waited too long")
            self._rest()

    def _rest(self) -> None:
        time.sleep(0.002)  # it has a thread of its own

    def _topic(self, name: str) -> str:
        return name

    def _answer(self, kind: str, begin: Callable[[], object]) -> int:
        # Begin something, wait for its answer, and return the reason code.
        before = len(self.reasons[kind])
        begin()
        self.wait(lambda: len(self.reasons[kind]) > before)
        return self.reasons[kind][-1]

    def _on_connect(self, client: Client, data: Any, flags: Any, code: Any, props: Properties | None) -> None:
        self.connack = dict(vars(props)) if props else {}
        self._session_present = bool(flags.session_present)
        self._note("connack", code)

    def _note(self, what: str, code: Any) -> None:
        self.reasons[what].append(getattr(code, "value", code))


class Paho311(Paho):
    """With MQTT 3.1.1, and with methods of programs/remote.py; it does nothing between two calls."""

    seconds = 20

    def __init__(
        self, broker: Any, certificates: Certificates, prefix: str, client_id: str, over: str = "", **options: Any
    ) -> None:
        """over: "ws" or "tls"; options: keepalive, password, chunks"""
        self._broker = broker
        self._certificates = certificates
        self._prefix = prefix
        self._client_id = client_id
        self._over = over
        self._options = options
        self._will: tuple[str, str] | None = None

    def set_will(self, name: str, msg: str) -> None:
        self._will = self._topic(name), msg

    def connect(self, clean: bool = True, eager: bool = False) -> bool:
        """Connect, and return whether the broker has resumed a session."""
        client = Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            clean_session=clean,
            protocol=MQTTv311,
            transport="websockets" if self._over == "ws" else "tcp",
            reconnect_on_failure=False,
        )
        self._use(client)
        client.username_pw_set(USER, self._options.get("password", PASSWORD))
        if self._over == "ws":
            client.ws_set_options(self._broker.path)
        if self._over == "tls":
            client.tls_set(self._certificates.pem("ca"))
        if self._will:
            client.will_set(*self._will, qos=1)
        port = self._broker.ports[self._over] if self._over else self._broker.port
        try:
            client.connect("localhost" if self._over == "tls" else HOST, port, self._options.get("keepalive", 20))
        except OSError as error:
            raise Raised(*error.args) from error
        if eager:
            return False
        self.wait(lambda: self.reasons["connack"])
        code = self.reasons["connack"][0]
        if code:
            raise Raised(ECONUNKNOWN + CODES[code])
        return self._session_present

    def unsubscribe(self, name: str) -> None:
        self._answer("unsuback", lambda: self._client.unsubscribe(self._topic(name)))

    def publish_zeros(self, name: str, size: int) -> None:
        self.publish(name, bytes(size))

    def collect(self, count: int, seconds: float = 20) -> list[list[Any]]:
        """Wait some seconds for so many messages, then whether more come, and return all."""
        try:
            self.wait(lambda: len(self.messages) >= count, seconds)
            self.idle()
        except AssertionError:
            pass
        found, self.messages = self.messages, []
        return [[one.topic.replace(f"{self._prefix}/", "", 1), self._text(one.payload), one.retain] for one in found]

    def idle(self, ms: float = QUIET_MS) -> None:
        """Process what comes for some time."""
        end = time.monotonic() + ms / 1000
        self.wait(lambda: time.monotonic() > end, ms / 1000 + self.seconds)

    def is_connected(self) -> bool:
        return not self.reasons["disconnect"]

    def disconnect(self) -> None:
        self._client.disconnect()
        self.wait(lambda: self.reasons["disconnect"])

    def cut(self) -> None:
        """Close the connection without a DISCONNECT."""
        sock = self._client.socket()
        if sock:
            sock.close()
        self._note("disconnect", 0)

    def _rest(self) -> None:
        if self.reasons["disconnect"]:
            raise Raised(ECONCLOSE)  # nothing comes any more
        self._client.loop(0.001)

    def _topic(self, name: str) -> str:
        return name[1:] if name.startswith("/") else f"{self._prefix}/{name}"

    def _text(self, payload: bytes) -> str:
        if self._options.get("chunks"):
            return f"{len(payload)} zeros"
        try:
            return payload.decode()
        except UnicodeError:
            return repr(payload)
