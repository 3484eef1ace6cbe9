"""paho-mqtt with its network loop in a thread of its own (`loop_start`), which is what most programs use."""

import time

from feeder import MSG
from use_paho import TEXT_TOPIC, made


def connect(host, port):
    client = made(host, port)
    client.loop_start()
    while not client.is_connected():
        time.sleep(0.001)
    return client


def qos0(c, n):
    publish = c.publish
    for _ in range(n):
        info = publish(TEXT_TOPIC, MSG)
    info.wait_for_publish()


def qos1(c, n, window=1):
    """With a window all are published at once: paho keeps what is too much for its own."""
    publish = c.publish
    together = n if window > 1 else 1
    for _ in range(0, n, together):
        for info in [publish(TEXT_TOPIC, MSG, 1) for _ in range(together)]:
            info.wait_for_publish()
