"""Bytes of heap that one call allocates, exactly: `main("umqtt2", "127.0.0.1", 1883)` prints all of them."""

import gc
import json

import feeder

TIMES = 16  # calls of each kind; the mean tells what the rare ones among them take, too
SHORT_TOPIC = b"test"


def allocated(call, *arguments):
    """Return the bytes that a call allocates, whatever of them it frees."""
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    call(*arguments)
    after = gc.mem_alloc()
    gc.enable()
    return after - before


def nothing(c):
    pass


def main(client, host, port):
    """Measure each kind of call, warmed up, without the collector."""
    use = __import__("use_" + client)
    c = use.connect(host, port)
    feed = feeder.Feeder(host, port, SHORT_TOPIC)
    use.subscribe(c, SHORT_TOPIC)

    def qos0(c):
        c.publish(feeder.TOPIC, feeder.MSG)

    def check(c):
        c.check_msg()

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
        "publish at QoS 1": mean(use.publish_qos1, after=use.settle),
        "idle check_msg": mean(check),
        "received message": mean(check, before=lambda c: feed.feed(1)),
    }
    print(json.dumps(found))
