"""A client of MQTT 5 that a test calls from outside, as if it were its own: see tests/brokers/remote.py.

Each line of the standard input is a call of a method of Client: its name, arguments and arguments by name, as Python
writes them. For each there is an event `returned`, with its value or with the arguments of what it has raised.
"""

import sys

from harness import time

from umqtt2 import MQTTClient, MQTTException
from umqtt2.errno import SDELIVERED
from umqtt2.robust import MQTTClient as RobustClient
from umqtt2.session.memory import MemorySession
from umqtt2.v5 import V5, Options, Topic

STORE = 20  # messages
IDLE_MS = 300  # for what should not come
STALLED_MS = 20000  # for what should come soon after something else
UNTIL_MS = 60000  # for what should


class Client:
    """One client after the other, with its V5, and what its callbacks were told.

    messages  [topic below the prefix, payload, retained, properties]
    statuses  [packet identifier, status, reason code]
    """

    def __init__(self, device):
        self.device = device

    def make(self, robust=False, name="", v5=None, **more):
        """Make one that is not connected. v5: the arguments of V5; more: those of the client."""
        self.five = V5(**(v5 or {}))
        self.messages = []
        self.statuses = []
        arguments = {"client_id": self.device.config["prefix"].replace("/", "-") + name, "keepalive": 8}
        arguments.update(session=MemorySession(STORE), max_packet=30000, packets=self.five)
        if robust:
            arguments.update(verbose=False)
        arguments.update(more)
        self.client = self.device.client(RobustClient if robust else MQTTClient, **arguments)
        self.client.set_callback(self._on_message)
        self.client.set_callback_status(lambda pid, status: self.statuses.append([pid, status, self.five.reason]))

    def connect(self, clean=True, **more):
        """Make one if there is anything about it, connect, and return whether the broker has resumed a session."""
        if more:
            self.make(**more)
        return self.client.connect(clean_session=clean)

    def connack(self):
        return {"reason": self.five.reason, "properties": texts(self.five.properties())}

    def client_id(self):
        return self.client.client_id

    def set_will(self, name, msg, **properties):
        self.client.set_last_will(Topic(self._topic(name), **properties), msg, qos=1)

    def disconnect(self, expiry=None):
        """Leave; `expiry` is that of the session."""
        if expiry is None:
            self.client.disconnect()
        else:
            self.five.disconnect(self.client, expiry=expiry)

    def cut(self):
        self.client.connection.transport.close()

    def subscribe(self, name, qos=0, **options):
        """Return the reason code."""
        return self.answer(self.client.subscribe(self._topic(name), Options(qos, **options)))

    def unsubscribe(self, name):
        return self.answer(self.client.unsubscribe(self._topic(name)))

    def publish(self, name, msg, qos=1, retain=False, **properties):
        """Publish, and return the reason code."""
        pid = self.send(name, msg, qos, retain, **properties)
        return self.answer(pid) if pid else 0

    def send(self, name, msg, qos=1, retain=False, **properties):
        """Publish without waiting."""
        topic = self._topic(name)
        return self.client.publish(Topic(topic, **properties) if properties else topic, msg, retain, qos)

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

    def _topic(self, name):
        return name if name.startswith("$") else self.device.topic(name)

    def _on_message(self, topic, msg, retained, dup):
        topic = topic.decode()[len(self.device.config["prefix"]) + 1 :]
        self.messages.append([topic, msg.decode(), retained, texts(self.five.properties())])
        reply = self.five.reply() if topic == "ours" else None
        if reply:
            self._reply = self.client.publish(reply, msg.upper(), qos=1)

    def _until(self, condition):
        end = time.ticks_add(time.ticks_ms(), UNTIL_MS)
        while not condition():
            if not self.client.check_msg():
                if time.ticks_diff(end, time.ticks_ms()) < 0:
                    raise RuntimeError("waited too long: %s %s" % (self.messages, self.statuses))
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
    client = Client(device)
    while True:
        line = sys.stdin.readline().strip()
        if not line:
            return
        name, arguments, more = eval(line)
        raised = value = None
        try:
            value = getattr(client, name)(*arguments, **more)
        except MQTTException as e:
            raised = e.args
        device.say("returned", value=value, raised=raised)
