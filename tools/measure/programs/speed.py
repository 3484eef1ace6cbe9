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


def slices(seconds, n, feeder, slice_us=SLICE_US):
    """Yield how many messages to do next, until that has taken so many seconds, and print the sample."""
    count = took = 0
    while took < seconds * 1000000:
        if feeder:
            feeder.feed(n)
        start = ticks_us()
        yield n
        us = ticks_diff(ticks_us(), start)
        if n < LARGEST and us < slice_us:
            n *= 2
        else:
            count += n
            took += us
    print(json.dumps({"count": count, "us": took}))


def main(client, measure, host, port, seconds):
    """Run a measure of a client for some time."""
    use = __import__("use_" + client)
    c = use.connect(host, port)
    feeder = None
    if measure == "receive":
        use.subscribe(c, TOPIC)
        feeder = Feeder(host, port, TOPIC)
    for n in slices(seconds, 4 * WINDOW if measure == "burst" else 1, feeder):
        if measure == "burst":
            use.qos1(c, n, WINDOW)
        else:
            getattr(use, measure)(c, n)
