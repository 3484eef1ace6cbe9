"""What is the same in every run, of a call of a client: its heap, its writes, its instructions."""

import gc
import json
import sys

from feeder import MSG, TOPIC, Feeder, connected

TIMES = 16  # calls of each kind; the mean tells what the rare ones among them take, too
SHORT_TOPIC = b"test"
PINGREQ = b"\xc0\0"


def nothing(c):
    pass


def qos0(c):
    c.publish(TOPIC, MSG)


def qos1(c):
    """Publish, and leave the acknowledgement for later."""
    c.publish(TOPIC, MSG, False, 1)


def check(c):
    c.check_msg()


def allocated(call, c):
    """Return the bytes that a call allocates, whatever of them it frees."""
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    call(c)
    after = gc.mem_alloc()
    gc.enable()
    return after - before


def heap(client, host, port):
    """Print the bytes of heap that each kind of call allocates, warmed up, without the collector."""
    use = __import__("use_" + client)
    c = use.connect(host, port)
    feed = Feeder(host, port, SHORT_TOPIC)
    use.subscribe(c, SHORT_TOPIC)

    def mean(call, before=nothing, after=nothing):
        total = 0
        for i in range(2 * TIMES):
            before(c)
            bytes = allocated(call, c)
            after(c)
            if i >= TIMES:
                total += bytes - own
        return total / TIMES

    own = 0  # what the measuring itself allocates
    own = int(mean(nothing))
    found = {
        "publish at QoS 0": mean(qos0),
        "publish at QoS 1": mean(qos1, after=use.settle),
        "idle check_msg": mean(check),
        "received message": mean(check, before=lambda c: feed.feed(1)),
    }
    print(json.dumps(found))


class Counting:
    """A socket, or a transport of umqtt2, that counts its writes."""

    def __init__(self, real):
        self.real = real
        self.writes = 0

    def write(self, *arguments):
        self.writes += 1
        return self.real.write(*arguments)

    def __getattr__(self, name):
        return getattr(self.real, name)


def writes(client, host, port):
    """Print the writes to the socket for one packet of each kind."""
    if client == "umqtt2":
        from umqtt2 import MQTTClient
        from umqtt2.transport.tcp import TCPTransport

        counting = Counting(TCPTransport(host, port))
        c = MQTTClient("bench", "", transport=counting)
        c.connect()
    else:
        c = __import__("use_" + client).connect(host, port)
        counting = c.sock = Counting(c.sock)
    found = {}
    for name, publish in (("QoS 0", qos0), ("QoS 1", qos1)):
        counting.writes = 0
        publish(c)
        found[name] = counting.writes
    print(json.dumps(found))


def paused(c, n, publish, settle, other):
    """Publish, wait until the broker has answered, and take the acknowledgement.

    Without the wait, the number of looks for the answer would count. The broker takes a packet of each client in
    turn: when it has answered twice on the `other` connection, it has answered here, however busy the machine is.
    """
    answer = bytearray(2)
    for _ in range(n):
        publish(c)
        for _ in range(2):
            other.send(PINGREQ)
            other.readinto(answer)
        settle(c)


def instructions(client, measure, host, port, n):
    """Call a client's method `n` times; "pause" is what of "qos1" is not the client's.

    Whoever counts the instructions sees "ready" when the client is connected, and answers with a line when all
    messages for it are with the broker.
    """
    use = __import__("use_" + client)
    c = use.connect(host, port)
    if measure == "receive":
        use.subscribe(c, TOPIC)
    other = connected(b"other", host, port)
    print("ready")
    sys.stdin.readline()
    if measure == "qos1":
        paused(c, n, qos1, use.settle, other)
    elif measure == "pause":
        paused(c, n, nothing, nothing, other)
    elif measure == "idle":
        check_msg = c.check_msg
        for _ in range(n):
            check_msg()
    else:
        getattr(use, measure)(c, n)
