"""Call a client's method many times: `main("umqtt2", "qos0", "127.0.0.1", 1883, 100)`.

Whoever counts the instructions sees "ready" when the client is connected, and answers with a line when all
messages for it are with the broker.
"""

import sys
from time import sleep_us

from feeder import TOPIC

PAUSE_US = 3000  # the broker's answer is there by then; else the number of looks for it would count


def nothing(c):
    pass


def paused(c, n, publish, settle):
    """Publish, pause, and take the acknowledgement."""
    for _ in range(n):
        publish(c)
        sleep_us(PAUSE_US)
        settle(c)


def main(client, measure, host, port, n):
    """Run a measure of a client, `n` calls; "pause" is what of "qos1" is not the client's."""
    use = __import__("use_" + client)
    c = use.connect(host, port)
    if measure == "receive":
        use.subscribe(c, TOPIC)
    print("ready")
    sys.stdin.readline()
    if measure == "qos1":
        paused(c, n, use.publish_qos1, use.settle)
    elif measure == "pause":
        paused(c, n, nothing, nothing)
    else:
        getattr(use, measure)(c, n)
