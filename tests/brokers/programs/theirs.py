"""paho-mqtt as the scenarios of matrix.py use it, on CPython alone: what it sees, too, is the broker's doing."""

import time

from matrix import SECONDS, Refused, Waited
from paho.mqtt.client import Client as Paho
from paho.mqtt.client import MQTTv311
from paho.mqtt.enums import CallbackAPIVersion


class Client:
    """See ours.py."""

    def __init__(self, device, identifier, options):
        self.messages = []
        self.large = []
        self._options = options
        self._config = config = device.config
        self._keepalive = options.get("keepalive", 20)
        over = options.get("over", "tcp")
        self._port = config["client"]["port"] if over == "tcp" else config["ports"][over]
        self._make = lambda clean: Paho(
            CallbackAPIVersion.VERSION2,
            client_id=identifier,
            clean_session=clean,
            protocol=MQTTv311,
            transport="websockets" if over == "ws" else "tcp",
            reconnect_on_failure=False,
        )
        self._client = None

    def connect(self, clean, eager=False):
        config, options = self._config, self._options
        self._client = client = self._make(clean)
        self._connack = None
        self._answers = {}
        self._gone = False
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_subscribe = lambda c, u, mid, codes, props: self._note(mid, codes[0].value)
        client.on_unsubscribe = lambda c, u, mid, codes, props: self._note(mid, 0)
        client.on_publish = lambda c, u, mid, code, props: self._note(mid, 0)
        client.username_pw_set(config["client"]["user"], options.get("password", config["client"]["password"]))
        if options.get("over") == "ws":
            client.ws_set_options(config["path"])
        if options.get("over") == "tls":
            client.tls_set(config["ca_pem"])
        if "will" in options:
            topic, msg, retain, qos = options["will"]
            client.will_set(topic, msg, qos, retain)
        try:
            client.connect("localhost" if options.get("over") == "tls" else "127.0.0.1", self._port, self._keepalive)
        except OSError:
            raise Refused(0)
        if eager:
            return False
        self._wait(lambda: self._connack or self._gone)
        if not self._connack or self._connack[1]:
            raise Refused(self._connack[1] if self._connack else 0)
        return self._connack[0]

    def subscribe(self, topic, qos):
        return self._answer(self._client.subscribe(topic, qos)[1])

    def unsubscribe(self, topic):
        self._answer(self._client.unsubscribe(topic)[1])

    def publish(self, topic, msg, qos=0, retain=False):
        mid = self._client.publish(topic, msg, qos, retain).mid
        self._answer(mid)

    def publish_large(self, topic, size):
        self.publish(topic, bytes(size), 1)

    def step(self):
        before = len(self.messages)
        if not self._gone:
            self._client.loop(0.001)
        return len(self.messages) > before

    def is_connected(self):
        return not self._gone

    def disconnect(self):
        self._client.disconnect()
        self._wait(lambda: self._gone)

    def cut(self):
        if self._client and self._client.socket():
            self._client.socket().close()
        self._gone = True

    def _answer(self, mid):
        self._wait(lambda: mid in self._answers or self._gone)
        if mid not in self._answers:
            raise Waited()
        return self._answers.pop(mid)

    def _wait(self, condition):
        end = time.monotonic() + SECONDS
        while not condition():
            self.step()
            if time.monotonic() > end:
                raise Waited()

    def _on_connect(self, client, data, flags, code, properties):
        # paho has MQTT 5's reason codes in place of those of 3.1.1
        codes = {0: 0, 0x84: 1, 0x85: 2, 0x88: 3, 0x86: 4, 0x87: 5}
        self._connack = bool(flags.session_present), codes.get(code.value, code.value)

    def _on_disconnect(self, client, data, flags, code, properties):
        self._gone = True

    def _on_message(self, client, data, message):
        if "chunks" in self._options:
            self.large.append(len(message.payload))
        else:
            self.messages.append([message.topic.encode(), message.payload, message.retain])

    def _note(self, mid, value):
        self._answers[mid] = value
