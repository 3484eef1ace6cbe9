"""Call a client's method many times: `main("umqtt2", "qos0", "127.0.0.1", 1883, 100)`.

Whoever counts the instructions sees "ready" when the client is connected, and answers with a line when all
messages for it are with the broker.
"""

import sys

from feeder import TOPIC, connected

PINGREQ = b"\xc0\0"


def nothing(c):
    pass


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


def main(client, measure, host, port, n):
    """Run a measure of a client, `n` calls; "pause" is what of "qos1" is not the client's."""
    use = __import__("use_" + client)
    c = use.connect(host, port)
    if measure == "receive":
        use.subscribe(c, TOPIC)
    other = connected(b"other", host, port)
    print("ready")
    sys.stdin.readline()
    if measure == "qos1":
        paused(c, n, use.publish_qos1, use.settle, other)
    elif measure == "pause":
        paused(c, n, nothing, nothing, other)
    else:
        getattr(use, measure)(c, n)
