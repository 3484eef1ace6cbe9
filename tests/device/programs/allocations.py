"""Bytes of heap that one call allocates, exactly, the worst of many: the collector is off meanwhile."""

import gc
import sys
import time

from transports import transport_of

TIMES = 24
TOPIC = b"bench/topic"
SHORT_TOPIC = b"test"
PAYLOAD = b"0123456789abcdef0123456789abcdef"


class Deaf:
    """A transport that can stop reading, so that acknowledgements do not arrive."""

    def __init__(self, real):
        self.deaf = False
        self.real = real
        self.open = real.open
        self.wait = real.wait
        self.close = real.close

    def readinto(self, buf, n):
        return None if self.deaf else self.real.readinto(buf, n)

    def write(self, buf, offset, n):
        return self.real.write(buf, offset, n)


def ignore(*arguments):
    pass


def allocated(call):
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    call()
    after = gc.mem_alloc()
    gc.enable()
    return after - before


def run(device):
    transport = Deaf(transport_of(device))
    if device.config.get("five"):
        from umqtt2.v5 import V5

        c = device.client(transport=transport, packets=V5())
    else:
        c = device.client(transport=transport)
    c.connect()
    device.wait_status(c, c.subscribe(SHORT_TOPIC))
    # The harness's own callbacks keep what they are given, which takes memory.
    heard = []
    c.set_callback(lambda topic, msg, retained, dup: heard.append(1))
    c.set_callback_status(lambda pid, status: heard.append(1))

    def hear():
        while not heard:
            c.check_msg()
        heard.clear()

    def publish_0():
        c.publish(TOPIC, PAYLOAD)

    def publish_1():
        c.publish(TOPIC, PAYLOAD, qos=1)

    def worst(call, before=ignore, after=ignore):
        found = []
        for _ in range(TIMES):
            before()
            found.append(allocated(call))
            after()
        # The first ones are not counted: they make what is then used again.
        return max(found[TIMES // 2 :])

    def pause():
        # A unit of the client's time ends among the calls that are not counted, and among the others.
        time.sleep_ms(10)

    def to_receive():
        c.publish(SHORT_TOPIC, PAYLOAD)
        time.sleep_ms(20)

    counted = {
        "nothing": worst(ignore),
        "idle": worst(c.check_msg, before=pause),
        "publish_0": worst(publish_0),
        "publish_1": worst(publish_1, after=hear),
        "receive": worst(c.check_msg, before=to_receive, after=hear),
    }
    transport.deaf = True
    for _ in range(3):
        publish_1()
    counted["idle_in_flight"] = worst(c.check_msg, before=pause)
    device.say("counted", words=2 if sys.maxsize >> 32 else 1, **counted)
