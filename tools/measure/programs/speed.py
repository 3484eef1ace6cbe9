"""How many messages a second: `main("umqtt2", "qos1", "127.0.0.1", 1883, 0.5)` prints one sample."""

import json
import time

from feeder import TOPIC, WINDOW, Feeder

SLICE_US = 10000  # a slice shorter than this does not count: it is how the size of a slice is found
LARGEST = 512  # messages in a slice, so that what is queued for a receiver fits into the system's buffers

if not hasattr(time, "ticks_us"):  # CPython

    def ticks_us():
        return time.perf_counter_ns() // 1000

    def ticks_diff(end, start):
        return end - start

else:
    from time import ticks_diff, ticks_us


def main(client, measure, host, port, seconds):
    """Run a measure of a client for some time; print how many messages that were, and in how long."""
    use = __import__("use_" + client)
    work = getattr(use, measure)
    c = use.connect(host, port)
    feeder = None
    if measure == "receive":
        use.subscribe(c, TOPIC)
        feeder = Feeder(host, port, TOPIC)
    n = 4 * WINDOW if measure == "burst" else 1
    count = us = 0
    while us < seconds * 1000000:
        if feeder:
            feeder.feed(n)
        start = ticks_us()
        work(c, n)
        took = ticks_diff(ticks_us(), start)
        if n < LARGEST and took < SLICE_US:
            n *= 2
        else:
            count += n
            us += took
    print(json.dumps({"count": count, "us": us}))
