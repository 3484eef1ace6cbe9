"""Clients that a test calls from outside, as if they were its own: see tests/brokers/remote.py.

Each line of the standard input is a call of a method of Client: the number of the client, the method's name, arguments
and arguments by name, as Python writes them. For each there is an event `returned`, with its value or with the
arguments of what it has raised.
"""

import sys

from harness import time

from umqtt2 import MQTTClient, MQTTException
from umqtt2.errno import SDELIVERED, SFAILED
from umqtt2.robust import MQTTClient as RobustClient
from umqtt2.session.memory import MemorySession
from umqtt2.v5 import V5, Options, Topic

STORE = 20  # messages
IDLE_MS = 300  # for what should not come
STALLED_MS = 20000  # for what should come soon after something else
UNTIL_MS = 60000  # for what should


class Zeros:
    """So many of them, for a payload that is never whole in memory."""

    def __init__(self, size):
        self.left = size

    def readinto(self, buf):
        n = min(len(buf), self.left)
        self.left -= n
        return n


class Client:
    """One client after the other, with its V5 if it has one, and what its callbacks were told.

    messages  [topic below the prefix, payload, retained, properties]
    statuses  [packet identifier, status, reason code]
    """

    def __init__(self, device):
        self.device = device

    def make(self, robust=False, name="", prefix="", v5=None, websocket=(), chunks="", **more):
        """Make one that is not connected.

        prefix     of the topics, by default that of the program
        v5         the arguments of V5; False is MQTT 3.1.1
        websocket  the arguments of a WebSocketTransport
        chunks     the topic of messages that come in chunks
        more       arguments of the client
        """
        self.prefix = prefix or self.device.config["prefix"]
        self.five = None if v5 is False else V5(**(v5 or {}))
        self.messages = []
        self.statuses = []
        arguments = {"client_id": self.prefix.replace("/", "-") + name, "keepalive": 8}
        arguments.update(session=MemorySession(STORE), max_packet=30000)
        if self.five:
            arguments.update(packets=self.five)
        if websocket:
            from umqtt2.transport.websocket import WebSocketTransport

            arguments.update(transport=WebSocketTransport(*websocket))
        if robust:
            arguments.update(verbose=False)
        arguments.update(more)
        self.client = self.device.client(RobustClient if robust else MQTTClient, **arguments)
        self.client.set_callback(self._on_message)
        self.client.set_callback_status(self._on_status)
        if chunks:
            self.client.set_callback_chunks(self._on_chunk, self._topic(chunks))

    def connect(self, clean=True, eager=False, **more):
        """Make one if there is anything about it, connect, and return whether the broker has resumed a session.
        eager: do not wait for the CONNACK."""
        if more:
            self.make(**more)
        return self.client.connect(clean, *([True] if eager else []))

    def connack(self):
        return {"reason": self.five.reason, "properties": texts(self.five.properties())}

    def client_id(self):
        return self.client.client_id

    def is_connected(self):
        return bool(self.client.connection.state)

    def set_will(self, name, msg, **properties):
        self.client.set_last_will(self._topic(name, properties), msg, qos=1)

    def disconnect(self, expiry=None):
        """Leave; `expiry` is that of the session."""
        if expiry is None:
            self.client.disconnect()
        else:
            self.five.disconnect(self.client, expiry=expiry)

    def cut(self):
        """Close the connection without a DISCONNECT."""
        self.client.connection.close()

    def subscribe(self, name, qos=0, **options):
        """Return the reason code, or the QoS granted."""
        how = Options(qos, **options) if self.five else qos
        return self.answer(self.client.subscribe(self._topic(name), how)) or self.client.connection.code

    def unsubscribe(self, name):
        return self.answer(self.client.unsubscribe(self._topic(name)))

    def publish(self, name, msg, qos=1, retain=False, **properties):
        """Publish, and return the reason code."""
        pid = self.send(name, msg, qos, retain, **properties)
        return self.answer(pid) if pid else 0

    def publish_zeros(self, name, size):
        return self.answer(self.client.publish(self._topic(name), Zeros(size), False, 1, length=size))

    def send(self, name, msg, qos=1, retain=False, **properties):
        """Publish without waiting."""
        return self.client.publish(self._topic(name, properties), msg, retain, qos)

    def answer(self, pid):
        """Return the reason code for a packet identifier; with 128 or more its status has to be a refusal."""
        status, reason = self.status(pid)
        if (status == SDELIVERED) != (reason < 128):
            raise ValueError("status", status, reason)
        return reason

    def status(self, pid):
        """Wait for a packet identifier's status, and return it with the reason code."""
        while True:
            for entry in self.statuses:
                if entry[0] == pid:
                    self.statuses.remove(entry)
                    return entry[1:]
            self._until(lambda: any(entry[0] == pid for entry in self.statuses))

    def received(self, count, last=None):
        """Wait for so many messages, or for one with the payload `last`, and return all."""
        self._until(lambda: self.messages and self.messages[-1][1] == last if last else len(self.messages) >= count)
        found, self.messages = self.messages, []
        return found

    def collect(self, count, seconds=20):
        """Wait some seconds for so many messages, then whether more come, and return all."""
        try:
            self._until(lambda: len(self.messages) >= count, seconds * 1000)
            return self.idle()
        except (RuntimeError, OSError, MQTTException):
            return self.received(0)

    def idle(self, ms=IDLE_MS):
        """Process what comes for some time, and return the messages."""
        end = time.ticks_add(time.ticks_ms(), ms)
        self._until(lambda: time.ticks_diff(end, time.ticks_ms()) < 0)
        return self.received(0)

    def fence(self):
        """Return when the broker has handled all that was sent before, with the messages that came: publish, and wait
        for the message."""
        self.subscribe("fence", 1, identifier=1000)
        self.publish("fence", "fence")
        return self.received(0, "fence")[:-1]

    def error(self):
        """Wait until the connection is lost, and return the arguments of what has ended it."""
        self._until(lambda: self.client.last_error and not self.client.is_connected())
        return self.client.last_error.args

    def last_error(self):
        return self.client.last_error.args

    def exchange(self, count, qos):
        """Publish so many messages while as many come, until all is done, or nothing has happened for some time; return
        how often each came, and all statuses."""
        seen = [0] * count
        sent = done = 0
        at = time.ticks_ms()

        def on_message(topic, msg, retained, dup):
            seen[int(msg)] += 1

        self.client.set_callback(on_message)
        while (done < count or 0 in seen) and time.ticks_diff(time.ticks_ms(), at) < STALLED_MS:
            if sent < count and self.client.session.waiting() < STORE:
                self.send("up", str(sent), qos[sent % len(qos)])
                sent += 1
            if (self.client.check_msg() or 0) & 0xF0 == 0x30 or done < len(self.statuses):
                done = len(self.statuses)
                at = time.ticks_ms()
            else:
                time.sleep_ms(1)
        return [seen, [entry[1] for entry in self.statuses]]

    def ask(self, *words):
        """Ask for answers."""
        from umqtt2.requests import Requests

        requests = Requests(self.client, self.five, self._topic("reply"))
        return [requests.ask_and_wait(self._topic("svc"), word).decode() for word in words]

    def serve(self):
        """Answer one request with its payload in capitals; return the reason code."""
        self._until(lambda: self.messages)
        return self.answer(self._reply)

    def converse(self, qos, size):
        """All of it with asyncio."""
        import asyncio

        asyncio.run(converse(self.device, asyncio, qos, size))

    def _topic(self, name, properties=None):
        # One that begins with "/" is whole without it.
        topic = name[1:] if name.startswith("/") else self.prefix + "/" + name
        return Topic(topic, **properties) if properties else topic

    def _on_status(self, pid, status):
        reason = self.five.reason if self.five else 128 * (status == SFAILED)
        self.statuses.append([pid, status, reason])

    def _on_message(self, topic, msg, retained, dup):
        topic = topic.decode()
        if topic.startswith(self.prefix):
            topic = topic[len(self.prefix) + 1 :]
        try:
            payload = msg.decode()
        except UnicodeError:
            payload = repr(msg)
        self.messages.append([topic, payload, retained, texts(self.five.properties()) if self.five else {}])
        reply = self.five.reply() if topic == "ours" else None
        if reply:
            self._reply = self.client.publish(reply, msg.upper(), qos=1)

    def _on_chunk(self, topic, chunk, offset, total):
        if any(chunk):
            raise ValueError("not what was sent")
        if offset + len(chunk) == total:
            self.messages.append([topic.decode(), "%d zeros" % total, False, {}])

    def _until(self, condition, ms=UNTIL_MS):
        end = time.ticks_add(time.ticks_ms(), ms)
        while not condition():
            if not self.client.check_msg():
                if time.ticks_diff(end, time.ticks_ms()) < 0:
                    print("messages:", self.messages, "statuses:", self.statuses)
                    raise RuntimeError("waited too long")
                time.sleep_ms(1)


async def converse(device, asyncio, qos, size):
    from umqtt2 import aio
    from umqtt2.requests import Requests

    five = V5(window=5, aliases=2, expiry=30)
    more = {"keepalive": 8, "packets": five, "max_packet": 30000, "verbose": False, "backoff": (0.1, 60)}
    async with aio.MQTTClient(**device.arguments(**more)) as client:
        granted = await client.subscribe((device.topic("down/#"), Options(2, identifier=9)))
        reply = device.topic("r")
        topic = Topic(device.topic("down/q"), expiry=60, response=reply, correlation=b"42", user=[("k", "v")])
        for one in qos:
            await client.publish(topic, str(one), qos=one)
        got = []
        for _ in qos:
            message = await client.next(10)
            got.append([message.payload.decode(), texts(message.properties)])
        got.sort()
        args = None
        try:
            await client.publish(device.topic("up"), "x" * size, qos=1)
        except MQTTException as e:
            args = e.args
        device.say("got", granted=granted, messages=got, refused=args)
        requests = Requests(client, five, device.topic("reply"))
        answers = []
        for word in ("one", "two"):
            answer = await requests.ask(device.topic("svc"), word)
            answers.append(answer.decode())
        device.say("answers", all=answers, client_id=client.client_id)
        await client.down.wait()
        error = client.last_error.args
        await asyncio.sleep(4)
        device.say("lost", args=error, up=client.is_connected())


def texts(properties):
    """Return properties for an event: names as texts, values as `str` has them."""
    return {str(key): str(properties[key]) for key in properties}


def run(device):
    clients = {}
    while True:
        line = sys.stdin.readline().strip()
        if not line:
            return
        number, name, arguments, more = eval(line)
        client = clients.setdefault(number, Client(device))
        raised = value = None
        try:
            value = getattr(client, name)(*arguments, **more)
        except Exception as e:
            raised = e.args
        device.say("returned", value=value, raised=raised)
