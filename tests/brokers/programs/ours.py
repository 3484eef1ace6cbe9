"""umqtt2 as the scenarios of matrix.py use it."""

from harness import time
from matrix import SECONDS, Refused, Waited

from umqtt2 import MQTTClient, MQTTException
from umqtt2.errno import SDELIVERED, SFAILED
from umqtt2.session.memory import MemorySession


class Stream:
    """So many bytes, for a payload that is never whole in memory."""

    def __init__(self, size):
        self.left = size

    def readinto(self, buf):
        n = min(len(buf), self.left)
        self.left -= n
        return n


class Client:
    """messages  [topic, payload, retained]
    large     sizes of the payloads that came in chunks
    """

    def __init__(self, device, identifier, options):
        self.messages = []
        self.large = []
        self._statuses = {}
        config = device.config
        arguments = dict(config["client"], client_id=identifier, keepalive=options.get("keepalive", 20))
        arguments.update(socket_timeout=20, message_timeout=SECONDS, session=MemorySession(120), max_packet=8192)
        if "password" in options:
            arguments["password"] = options["password"]
        over = options.get("over", "tcp")
        if over == "ws":
            from umqtt2.transport.websocket import WebSocketTransport

            arguments["transport"] = WebSocketTransport(arguments["server"], config["ports"]["ws"], config["path"])
        if over == "tls":
            arguments.update(port=config["ports"]["tls"], server="localhost", ssl=True)
            arguments["ssl_params"] = {"cadata": config["ca"]}
        self._client = client = MQTTClient(**arguments)
        client.set_callback(lambda topic, msg, retained, dup: self.messages.append([topic, msg, retained]))
        client.set_callback_status(self._on_status)
        if "chunks" in options:
            client.set_callback_chunks(self._on_chunk, options["chunks"])
        if "will" in options:
            client.set_last_will(*options["will"])

    def connect(self, clean, eager=False):
        """Connect; `eager` does not wait for the CONNACK."""
        try:
            return self._client.connect(clean_session=clean, eager=eager)
        except MQTTException as e:
            # 21 to 25 are the codes 1 to 5 of a CONNACK
            raise Refused(e.args[0] - 20 if 20 < e.args[0] < 26 else 0)

    def subscribe(self, topic, qos):
        """Return the QoS granted, or 128."""
        status, code = self._answer(self._client.subscribe(topic, qos))
        return 128 if status == SFAILED else code

    def unsubscribe(self, topic):
        self._answer(self._client.unsubscribe(topic))

    def publish(self, topic, msg, qos=0, retain=False):
        """Publish, and return when it was acknowledged."""
        pid = self._client.publish(topic, msg, retain, qos)
        if pid and self._answer(pid)[0] != SDELIVERED:
            raise Waited()

    def publish_large(self, topic, size):
        pid = self._client.publish(topic, Stream(size), False, 1, length=size)
        if self._answer(pid)[0] != SDELIVERED:
            raise Waited()

    def step(self):
        """Process one packet; whether there was one."""
        if self.is_connected():
            try:
                return self._client.check_msg()
            except (OSError, MQTTException):
                pass
        return None

    def is_connected(self):
        return bool(self._client.connection.state)

    def disconnect(self):
        self._client.disconnect()

    def cut(self):
        """Close the connection without a DISCONNECT."""
        self._client.connection.close()

    def _answer(self, pid):
        end = time.ticks_add(time.ticks_ms(), SECONDS * 1000)
        while pid not in self._statuses:
            if not self.step():
                if not self.is_connected() or time.ticks_diff(end, time.ticks_ms()) < 0:
                    raise Waited()
                time.sleep_ms(1)
        return self._statuses.pop(pid)

    def _on_status(self, pid, status):
        self._statuses[pid] = status, self._client.connection.code

    def _on_chunk(self, topic, chunk, offset, total):
        if any(chunk):
            raise ValueError("not what was sent")
        if offset + len(chunk) == total:
            self.large.append(total)
