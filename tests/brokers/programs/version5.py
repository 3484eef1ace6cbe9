"""MQTT 5, scenario by scenario: `config["scenario"]` is the function that runs.

What the other end does between, it does when an event says so; `config` is all that a scenario needs to know.
"""

from harness import time

from umqtt2 import MQTTClient, MQTTException
from umqtt2.errno import SDELIVERED
from umqtt2.robust import MQTTClient as RobustClient
from umqtt2.session.memory import MemorySession
from umqtt2.v5 import V5, Options, Topic

STORE = 20  # messages
IDLE_MS = 300  # for what should not come


class Client:
    """A client with its V5, and what its callbacks were told.

    messages  [topic below the prefix, payload, retained, properties]
    statuses  [packet identifier, status, reason code]
    """

    def __init__(self, device, five=None, robust=False, name="", **more):
        self.device = device
        self.five = five = five or V5()
        self.messages = []
        self.statuses = []
        arguments = {"client_id": device.config["prefix"].replace("/", "-") + name, "keepalive": 5}
        arguments.update(session=MemorySession(STORE), max_packet=30000, packets=five)
        if robust:
            arguments.update(verbose=False)
        arguments.update(more)
        self.client = client = device.client(RobustClient if robust else MQTTClient, **arguments)
        client.set_callback(self.on_message)
        client.set_callback_status(self.on_status)

    def on_message(self, topic, msg, retained, dup):
        topic = topic.decode()[len(self.device.config["prefix"]) + 1 :]
        self.messages.append([topic, msg.decode(), retained, texts(self.five.properties())])

    def on_status(self, pid, status):
        self.statuses.append([pid, status, self.five.reason])

    def connect(self, clean=True):
        return self.client.connect(clean_session=clean)

    def until(self, condition, ms=15000):
        end = time.ticks_add(time.ticks_ms(), ms)
        while not condition():
            if not self.client.check_msg():
                if time.ticks_diff(end, time.ticks_ms()) < 0:
                    raise RuntimeError(f"waited too long: {self.messages} {self.statuses}")
                time.sleep_ms(1)

    def idle(self, ms=IDLE_MS):
        """Process what comes for some time."""
        end = time.ticks_add(time.ticks_ms(), ms)
        self.until(lambda: time.ticks_diff(end, time.ticks_ms()) < 0, ms + 1000)

    def answer(self, pid):
        """Return the reason code for a packet identifier; with 128 or more its status has to be a refusal."""
        self.until(lambda: any(entry[0] == pid for entry in self.statuses))
        for entry in self.statuses:
            if entry[0] == pid:
                self.statuses.remove(entry)
                if (entry[1] == SDELIVERED) != (entry[2] < 128):
                    raise ValueError("status", entry)
                return entry[2]

    def subscribe(self, name, options=0):
        return self.answer(self.client.subscribe(self.topic(name), options))

    def publish(self, name, msg, qos=1, retain=False):
        """Publish below the prefix, and return the reason code."""
        pid = self.client.publish(self.topic(name), msg, retain, qos)
        return self.answer(pid) if pid else 0

    def topic(self, name):
        return self.device.topic(name)

    def fence(self):
        """Return when the broker has handled all that was sent before: publish, and wait for the message."""
        self.subscribe("fence", Options(1, identifier=1000))
        self.publish("fence", "fence")
        self.until(lambda: self.messages and self.messages[-1][0] == "fence")
        self.messages.pop()

    def wait_event(self, name):
        """Say that the other end may go on, and wait for its message to the topic `go`."""
        self.subscribe("go", 1)
        self.device.say(name)
        self.until(lambda: any(one[0] == "go" for one in self.messages))
        self.messages = [one for one in self.messages if one[0] != "go"]

    def raised(self, do):
        """Return the arguments of the MQTTException that `do` raises."""
        try:
            do()
        except MQTTException as e:
            return e.args
        raise ValueError("nothing was raised")


def texts(properties):
    """Return properties for an event: names as texts, values as `str` has them."""
    return {str(key): str(properties[key]) for key in properties}


def connects(device):
    c = Client(device, keepalive=3600)
    present = c.connect()
    device.say("connack", present=present, reason=c.five.reason, properties=texts(c.five.properties()))
    c.fence()
    c.client.disconnect()


def refused(device):
    c = Client(device, user="device", password="wrong")
    device.say("refused", args=c.raised(c.connect))
    c = Client(device, user="device", password="a secret")
    c.connect()
    c.client.disconnect()


def denied(device):
    c = Client(device, robust=True, user="reader", password="reader", backoff=(0.05, 0.2))
    c.connect()
    for qos in device.config["qos"]:
        c.client.publish(c.topic("up"), "x", qos=qos)
    c.until(lambda: len(c.statuses) == len(device.config["qos"]), 30000)
    device.say("denied", statuses=[entry[1:] for entry in c.statuses])
    c.statuses = []
    device.say("subscribed", reason=c.subscribe("fine", 1))
    c.client.disconnect()


def properties(device):
    c = Client(device, V5(user=[("who", "device")]))
    c.connect()
    c.subscribe("down/#", Options(2, identifier=700))
    question = Topic(
        device.topic("down/q"), expiry=60, content="json", text=True, user=[("k", "v"), ("k", "w")],
        correlation=b"\0\xff", response=device.topic("down/r"),
    )  # fmt: skip
    reasons = [c.answer(c.client.publish(question, "21.5", qos=qos)) for qos in device.config["qos"] if qos]
    if 0 in device.config["qos"]:
        c.client.publish(question, "21.5")
    c.until(lambda: len(c.messages) == len(device.config["qos"]))
    device.say("own", messages=c.messages, reasons=reasons)
    c.messages = []
    c.wait_event("send")
    c.until(lambda: c.messages)
    device.say("others", messages=c.messages, nobody=c.publish("nobody", "x"))
    c.client.disconnect()


def request(device):
    from umqtt2.requests import Requests

    c = Client(device)
    c.connect()
    requests = Requests(c.client, c.five, device.topic("reply"))
    device.say("asks")
    answers = [requests.ask_and_wait(device.topic("svc"), word).decode() for word in ("one", "two")]
    device.say("answers", all=answers)
    replies = []

    def answer(topic, msg, retained, dup):
        reply = c.five.reply()
        if reply:
            replies.append(c.client.publish(reply, msg.upper(), qos=1))

    c.client.set_callback(answer)
    c.subscribe("ours", 1)
    device.say("serves")
    c.until(lambda: replies)
    device.say("replied", reason=c.answer(replies[0]))
    c.client.disconnect()


def session(device):
    c = Client(device, V5(expiry=30))
    c.connect(False)
    c.client.disconnect()
    empty = c.connect(False)
    c.five.disconnect(c.client, expiry=0)
    present = []
    c = Client(device, V5(expiry=30))
    present.append(c.connect(False))
    c.subscribe("kept", 1)
    c.client.disconnect()
    c = Client(device, V5(expiry=30))
    present.append(c.connect(False))
    c.five.disconnect(c.client, expiry=1)
    time.sleep_ms(3000)
    present.append(c.connect(False))
    c.five.disconnect(c.client, expiry=0)
    present.append(c.connect(False))
    c.five.disconnect(c.client, expiry=0)
    c = Client(device, V5(expiry=1))
    present.append(c.connect(False))
    c.subscribe("kept", 1)
    c.client.disconnect()
    time.sleep_ms(3000)
    present.append(c.connect(False))
    c.client.disconnect()
    c = Client(device, V5(expiry=1))
    c.connect()
    c.client.disconnect()
    device.say("present", all=present, empty=empty)


def message_expiry(device):
    c = Client(device, V5(expiry=60))
    c.connect(False)
    c.subscribe("down", 1)
    c.client.disconnect()
    device.say("away")
    time.sleep_ms(4000)
    c.connect(False)
    c.until(lambda: c.messages and c.messages[-1][1] == "last")
    device.say("got", messages=c.messages)
    # What waits in the store of the client, too.
    c.client.disconnect()
    c = Client(device, V5(), robust=True)
    c.connect()
    c.client.disconnect()
    c.client.publish(Topic(device.topic("up"), expiry=1), "late", qos=1)
    kept = c.client.publish(Topic(device.topic("up"), expiry=60), "in time", qos=1)
    time.sleep_ms(2500)
    c.connect()
    c.until(lambda: any(entry[0] == kept for entry in c.statuses))
    device.say("sent", statuses=[entry[1] for entry in c.statuses])
    c.client.disconnect()


def window(device):
    c = Client(device, V5(window=5))
    c.connect()
    count = device.config["count"]
    qos = device.config["qos"]
    seen = [0] * count
    sent = 0

    def on_message(topic, msg, retained, dup):
        seen[int(msg)] += 1

    c.client.set_callback(on_message)
    c.subscribe("down", 2)
    device.say("ready")
    while sent < count or len(c.statuses) < count or 0 in seen:
        if sent < count and c.client.session.waiting() < STORE:
            c.client.publish(device.topic("up"), str(sent), qos=qos[sent % len(qos)])
            sent += 1
        if not c.client.check_msg():
            time.sleep_ms(1)
    device.say("all", seen=seen, statuses=sorted([entry[1] for entry in c.statuses])[:: count - 1])
    c.client.disconnect()


def largest(device):
    c = Client(device, V5(largest=200))
    c.connect()
    size = device.config["largest"] - (9 + len(device.topic("up")))  # of the largest payload at QoS 1
    refused = [c.raised(lambda qos=qos: c.publish("up", "x" * (size + 3 - 2 * qos), qos)) for qos in (0, 1)]
    device.say("refused", args=refused, reason=c.publish("up", "x" * size))
    c.subscribe("down", 1)
    device.say("ready")
    c.until(lambda: c.messages and c.messages[-1][1] == "last")
    device.say("got", payloads=[len(one[1]) for one in c.messages])
    c.client.disconnect()


def aliases(device):
    c = Client(device, V5(aliases=3))
    c.connect()
    for i in range(4):
        for name in "abcde":
            c.publish("up/" + name, str(i), i % 2)
    c.publish("up/last", "", 1)
    c.client.disconnect()


def keepalive(device):
    c = Client(device, keepalive=3600)
    c.connect()
    device.say("connack", properties=texts(c.five.properties()))
    c.idle(device.config["ms"])
    device.say("still", reason=c.publish("up", "x"))
    c.client.disconnect()


def assigned(device):
    c = Client(device, V5(expiry=20), client_id="")
    present = [c.connect()]
    first = c.five.properties().get(18)
    c.subscribe("kept", 1)
    c.client.disconnect()
    present.append(c.connect(False))
    device.say("assigned", first=first.decode(), again=texts(c.five.properties()).get("18"), present=present)
    c.five.disconnect(c.client, expiry=0)


def shared(device):
    c = Client(device)
    c.connect()
    filter = "$share/g/" + device.topic("work")
    device.say("joined", reason=c.answer(c.client.subscribe(filter, 1)))
    c.wait_event("member")
    c.idle()
    device.say("got", payloads=[one[1] for one in c.messages])
    c.client.disconnect()


def options(device):
    c = Client(device)
    c.connect()
    c.subscribe("local", Options(1, no_local=True))
    c.publish("local", "own")
    c.subscribe("plain", Options(1, identifier=3))
    c.subscribe("published", Options(1, as_published=True, identifier=4))
    for name in ("plain", "published"):
        c.publish(name, "kept", 1, True)
    c.until(lambda: len(c.messages) == 2)
    device.say("flags", messages=c.messages)
    c.messages = []
    # The topic `plain` is retained now.
    counts = []
    for retained in (0, 1, 2, 0):
        c.subscribe("plain", Options(1, retained=retained))
        c.idle()
        counts.append(len(c.messages))
        c.messages = []
    c.answer(c.client.unsubscribe(device.topic("plain")))
    for retained in (1, 1):
        c.subscribe("plain", Options(1, retained=retained))
        c.idle()
        counts.append(len(c.messages))
        c.messages = []
    device.say("retained", counts=counts)
    c.wait_event("local")
    c.idle()
    device.say("got", messages=[one[:2] for one in c.messages])
    for name in ("plain", "published"):
        c.publish(name, "", 1, True)
    c.client.disconnect()


def will(device):
    delay = device.config["delay"]
    c = Client(device, V5(expiry=60))
    c.client.set_last_will(Topic(device.topic("will"), delay=delay, content="text", user=[("k", "v")]), "gone", qos=1)
    c.connect(False)
    c.subscribe("kept", 1)
    c.client.connection.transport.close()
    device.say("cut")
    # It comes back in time.
    c = Client(device, V5(expiry=60))
    time.sleep_ms(delay * 500)
    present = c.connect(False)
    c.client.disconnect()
    device.say("back", present=present)
    time.sleep_ms(delay * 1000)
    # It does not come back.
    c = Client(device, V5(expiry=60))
    c.client.set_last_will(Topic(device.topic("will"), delay=delay, content="text", user=[("k", "v")]), "gone", qos=1)
    c.connect(False)
    c.client.connection.transport.close()
    device.say("cut")
    time.sleep_ms(delay * 1000 + 3000)
    c = Client(device, V5(expiry=0))
    c.connect(True)
    c.client.disconnect()


def taken_over(device):
    c = Client(device)
    c.connect()
    device.say("ready", client_id=c.client.client_id)
    device.say("lost", args=c.raised(lambda: c.idle(10000)))
    c = Client(device, robust=True, name="-robust", backoff=(0.1, 60))
    c.connect()
    c.fence()
    device.say("ready", client_id=c.client.client_id)
    c.until(lambda: not c.client.is_connected())
    c.idle(4000)
    device.say("lost", args=c.client.last_error.args)


def stopped(device):
    c = Client(device, robust=True, backoff=(0.1, 1))
    c.connect()
    c.fence()
    device.say("ready")
    c.until(lambda: c.client.last_error)
    device.say("left", args=c.client.last_error.args)
    pid = c.client.publish(device.topic("up"), "while it was away", qos=1)
    c.until(lambda: any(entry[0] == pid for entry in c.statuses), 120000)
    device.say("sent", reason=c.answer(pid))
    c.client.disconnect()


def silent(device):
    c = Client(device, keepalive=2)
    c.connect()
    time.sleep_ms(5000)
    device.say("lost", args=c.raised(lambda: c.idle(10000)))


def with_asyncio(device):
    import asyncio

    asyncio.run(converse(device, asyncio))


async def converse(device, asyncio):
    from umqtt2 import aio
    from umqtt2.requests import Requests

    five = V5(window=5, aliases=2, expiry=30)
    more = {"keepalive": 5, "packets": five, "max_packet": 30000, "verbose": False, "backoff": (0.1, 60)}
    async with aio.MQTTClient(**device.arguments(**more)) as client:
        granted = await client.subscribe((device.topic("down/#"), Options(2, identifier=9)))
        reply = device.topic("r")
        topic = Topic(device.topic("down/q"), expiry=60, response=reply, correlation=b"42", user=[("k", "v")])
        for qos in device.config["qos"]:
            await client.publish(topic, str(qos), qos=qos)
        got = []
        for _ in device.config["qos"]:
            message = await client.next(10)
            got.append([message.payload.decode(), texts(message.properties)])
        got.sort()
        args = None
        try:
            await client.publish(device.topic("up"), "x" * device.config["largest"], qos=1)
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


def run(device):
    globals()[device.config["scenario"]](device)
