"""MQTT 3.1.1 with any broker: each scenario is a function that returns what the broker does.

It returns "yes" for what the standard says. The same functions run with umqtt2 (ours.py), on CPython and on the VM, and
with paho (theirs.py) to see who is at fault.
"""

from harness import time

SECONDS = 20  # for what should come
QUIET_MS = 300  # for what should not come
LARGE = 1 << 20


class Waited(Exception):
    """What should have come has not."""


class Refused(Exception):
    """The broker has refused the connection; `code` is that of the CONNACK, 0 when it closed without one."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class World:
    """One scenario's clients.

    prefix  of all topics, and of the identifiers
    """

    def __init__(self, device, make, prefix):
        self.device = device
        self.prefix = prefix
        self._make = make
        self._open = []

    def client(self, name="a", **options):
        """A client that is not connected. `options`: keepalive, user, password, will, over (tcp, ws, tls), chunks."""
        identifier = self.prefix.replace("/", "-") + name if name else ""
        client = self._make(self.device, identifier, options)
        self._open.append(client)
        return client

    def connected(self, name="a", clean=True, **options):
        """A client that is connected."""
        client = self.client(name, **options)
        client.connect(clean)
        return client

    def topic(self, name):
        return self.prefix + "/" + name

    def until(self, condition, *clients, seconds=SECONDS):
        """Let clients process what comes, until `condition()`."""
        end = time.ticks_add(time.ticks_ms(), int(seconds * 1000))
        while not condition():
            if not any([client.step() for client in clients]):
                if time.ticks_diff(end, time.ticks_ms()) < 0:
                    raise Waited()
                time.sleep_ms(1)

    def idle(self, ms, *clients):
        """Let clients process what comes, for some time."""
        end = time.ticks_add(time.ticks_ms(), ms)
        self.until(lambda: time.ticks_diff(end, time.ticks_ms()) <= 0, *clients, seconds=ms / 1000 + 5)

    def got(self, client, count, seconds=SECONDS):
        """Wait for so many messages, then whether more come; return the payloads."""
        try:
            self.until(lambda: len(client.messages) >= count, client, seconds=seconds)
        except Waited:
            pass
        else:
            self.idle(QUIET_MS, client)
        found = [message[1] for message in client.messages]
        client.messages.clear()
        return found

    def close(self):
        for client in self._open:
            client.cut()


def compare(found, wanted):
    """What has become of messages."""
    if found == wanted:
        return "yes"
    lost = sum(1 for one in wanted if one not in found)
    said = []
    if lost:
        said.append("%d of %d lost" % (lost, len(wanted)))
    if len(found) > len(wanted) - lost:
        said.append("%d too many" % (len(found) - len(wanted) + lost))
    return ", ".join(said) or "in another order"


def session_present(w):
    first = w.client()
    flags = [first.connect(False)]
    first.subscribe(w.topic("t"), 1)
    first.disconnect()
    for _ in range(2):
        again = w.client()
        flags.append(again.connect(False))
        again.disconnect()
    return "yes" if flags == [False, True, True] else "flags %s" % ", ".join(["%d" % one for one in flags])


def absence(w, qos):
    a = w.connected(clean=False)
    granted = a.subscribe(w.topic("t"), qos)
    a.disconnect()
    b = w.connected("b")
    wanted = [b"%d" % i for i in range(5)]
    for payload in wanted:
        b.publish(w.topic("t"), payload, qos)
    a = w.client()
    a.connect(False)
    said = compare(w.got(a, len(wanted)), wanted)
    return said if granted == qos else "as QoS %d: %s" % (granted, said)


def wrong_password(w):
    try:
        w.connected(password="wrong")
    except Refused as e:
        return "yes" if e.code in (4, 5) else "closes without a code" if not e.code else "code %d" % e.code
    return "accepts it"


def will(w, leave, wanted):
    b = w.connected("b")
    b.subscribe(w.topic("will"), 1)
    getattr(w.connected(will=(w.topic("will"), b"gone", False, 1)), leave)()
    return compare(w.got(b, len(wanted)), wanted)


def retained(w):
    a = w.connected()
    a.publish(w.topic("r/1"), b"one", 1, True)
    a.publish(w.topic("r/2"), b"two", 1, True)
    said = []
    b = w.connected("b")
    b.subscribe(w.topic("r/1"), 1)
    try:
        w.until(lambda: b.messages, b)
        if not b.messages[0][2]:
            said.append("no RETAIN flag")
    except Waited:
        said.append("not delivered")
    c = w.connected("c")
    c.subscribe(w.topic("r/+"), 1)
    if sorted(w.got(c, 2, 5)) != [b"one", b"two"]:
        said.append("not by wildcard")
    a.publish(w.topic("r/1"), b"", 1, True)
    d = w.connected("d")
    d.subscribe(w.topic("r/1"), 1)
    if w.got(d, 0):
        said.append("not cleared")
    return ", ".join(said) or "yes"


def qos_pairs(w):
    a, b = w.connected(), w.connected("b")
    said = []
    for own in range(3):
        topic = w.topic("q%d" % own)
        granted = b.subscribe(topic, own)
        if granted != own:
            said.append("QoS %d granted as %d" % (own, granted))
        for qos in range(3):
            try:
                a.publish(topic, b"%d" % qos, qos)
            except Waited:
                said.append("QoS %d is not acknowledged" % qos)
        found = compare(sorted(w.got(b, 3)), [b"0", b"1", b"2"])
        if found != "yes":
            said.append("subscribed with %d: %s" % (own, found))
    return ", ".join(said) or "yes"


def unsubscribe(w):
    a = w.connected()
    a.subscribe(w.topic("t"), 1)
    a.publish(w.topic("t"), b"1", 1)
    before = w.got(a, 1)
    a.unsubscribe(w.topic("t"))
    a.publish(w.topic("t"), b"2", 1)
    return "yes" if before == [b"1"] and not w.got(a, 0) else "no"


def refused_subscription(w):
    a = w.connected()
    try:
        granted = a.subscribe("forbidden/" + w.topic("t"), 1)
    except Waited:
        return "closes" if not a.is_connected() else "no answer"
    a.subscribe(w.topic("t"), 1)
    return "yes" if granted == 128 else "granted as %d" % granted


def payload_7_kb(w):
    a = w.connected()
    a.subscribe(w.topic("t"), 1)
    wanted = bytes(range(256)) * 28
    a.publish(w.topic("t"), wanted, 1)
    return compare(w.got(a, 1), [wanted])


def payload_1_mb(w):
    b = w.connected("b", chunks=w.topic("t"))
    b.subscribe(w.topic("t"), 1)
    a = w.connected()
    a.publish_large(w.topic("t"), LARGE)
    try:
        w.until(lambda: b.large, b, seconds=60)
    except Waited:
        return "not delivered"
    return "yes" if b.large == [LARGE] else "%d bytes" % b.large[0]


def idle(w):
    a = w.connected(keepalive=2)
    try:
        w.idle(6500, a)
    except OSError:
        return "closes"
    return "yes" if a.is_connected() else "closes"


def keepalive_0(w):
    try:
        a = w.connected(keepalive=0)
    except Refused as e:
        return "refuses it: %d" % e.code if e.code else "closes without a code"
    a.subscribe(w.topic("t"), 0)
    return "yes"


def falls_silent(w):
    b = w.connected("b")
    b.subscribe(w.topic("will"), 1)
    w.connected(keepalive=1, will=(w.topic("will"), b"gone", False, 1))
    return "yes" if w.got(b, 1, 30) == [b"gone"] else "no last will"


def empty_identifier(w):
    try:
        a = w.connected("")
    except Refused as e:
        return "refuses it: %d" % e.code if e.code else "closes without a code"
    a.subscribe(w.topic("t"), 1)
    a.publish(w.topic("t"), b"1", 1)
    return compare(w.got(a, 1), [b"1"])


def utf8_topics(w):
    a = w.connected()
    topic = w.topic("Küche/温度/😀 x")
    try:
        a.subscribe(topic, 1)
        a.publish(topic, b"1", 1)
        w.until(lambda: a.messages, a)
    except Waited:
        return "not delivered" if a.is_connected() else "closes"
    return "yes" if a.messages[0][0] == topic.encode() else "as " + repr(a.messages[0][0])


def hash_and_dollar(w):
    b = w.connected("b")
    b.subscribe("#", 0)
    b.subscribe("+/" + w.topic("t"), 0)
    w.idle(QUIET_MS, b)
    b.messages.clear()
    a = w.connected()
    a.publish("$umqtt2/" + w.topic("t"), b"1", 0)
    w.idle(QUIET_MS, a, b)
    found = sorted(set([message[0].split(b"/")[0] for message in b.messages if message[0][:1] == b"$"]))
    return "receives " + b", ".join(found).decode() if found else "yes"


def shared_subscription(w):
    a, b, c = w.connected(), w.connected("b"), w.connected("c")
    for one in (a, b):
        try:
            if one.subscribe("$share/g/" + w.topic("t"), 1) == 128:
                return "refuses it"
        except Waited:
            return "closes" if not one.is_connected() else "no answer"
    for i in range(6):
        c.publish(w.topic("t"), b"%d" % i, 1)
    try:
        w.until(lambda: len(a.messages) + len(b.messages) >= 6, a, b, seconds=3)
    except Waited:
        return "takes it, delivers %d of 6" % (len(a.messages) + len(b.messages))
    w.idle(QUIET_MS, a, b)
    return "yes" if len(a.messages) + len(b.messages) == 6 else "to all"


def subscriptions_50(w):
    a = w.connected()
    for i in range(50):
        if a.subscribe(w.topic("s/%d" % i), 1) != 1:
            return "the %dth is refused" % (i + 1)
    b = w.connected("b")
    for i in range(50):
        b.publish(w.topic("s/%d" % i), b"%d" % i, 1)
    return compare(sorted(w.got(a, 50)), sorted([b"%d" % i for i in range(50)]))


def unread(w, qos):
    a, b = w.connected(), w.connected("b")
    granted = a.subscribe(w.topic("t"), qos)
    wanted = [b"%d" % i for i in range(100)]
    for payload in wanted:
        b.publish(w.topic("t"), payload, qos)
    said = compare(w.got(a, 100), wanted)
    return said if granted == qos else "as QoS %d: %s" % (granted, said)


def over(w, kind):
    if not w.device.config["ports"].get(kind):
        return "not offered"
    a = w.connected(over=kind)
    a.subscribe(w.topic("t"), 1)
    payloads = [b"x", b"y" * 3000]
    for payload in payloads:
        a.publish(w.topic("t"), payload, 1)
    return compare(w.got(a, 2), payloads)


def take_over(w):
    a = w.connected()
    b = w.connected()
    try:
        w.until(lambda: not a.is_connected(), a, b)
    except Waited:
        return "both stay"
    b.subscribe(w.topic("t"), 1)
    b.publish(w.topic("t"), b"1", 1)
    return compare(w.got(b, 1), [b"1"])


def eager(w):
    b = w.connected("b")
    b.subscribe(w.topic("t"), 1)
    a = w.client()
    a.connect(True, eager=True)
    granted = a.subscribe(w.topic("own"), 1)
    a.publish(w.topic("t"), b"1", 1)
    return compare(w.got(b, 1), [b"1"]) if granted == 1 else "granted %d" % granted


# Those that are not a function of their own.
CASES = {
    "absence_qos_1": (absence, 1),
    "absence_qos_2": (absence, 2),
    "last_will": (will, "cut", [b"gone"]),
    "no_will_after_disconnect": (will, "disconnect", []),
    "unread_100_qos_1": (unread, 1),
    "unread_100_qos_2": (unread, 2),
    "websocket": (over, "ws"),
    "tls": (over, "tls"),
}


def run(device):
    """Run the scenarios that `config` names, each with topics and identifiers of its own."""
    make = __import__(device.config["library"]).Client
    for i, name in enumerate(device.config["scenarios"]):
        w = World(device, make, "%s/%d" % (device.config["prefix"], i))
        try:
            scenario, *arguments = CASES.get(name) or [globals()[name]]
            said = scenario(w, *arguments)
        except Waited:
            said = "waited too long"
        except Refused as e:
            said = "connection refused: %d" % e.code
        except Exception as e:
            said = "%s %s" % (type(e).__name__, e)
        w.close()
        device.say("scenario", name=name, said=said)
