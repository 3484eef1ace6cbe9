"""umqtt.simple, which waits for each acknowledgement by itself and knows no burst."""

import use_umqtt2
from feeder import MSG, TOPIC
from use_umqtt2 import qos0  # noqa: F401


def connect(host, port):
    return use_umqtt2.connect(host, port, "umqtt.simple")


def subscribe(c, topic):
    c.subscribe(topic)


def qos1(c, n):
    publish = c.publish
    for _ in range(n):
        publish(TOPIC, MSG, False, 1)


def receive(c, n):
    wait = c.wait_msg  # check_msg only adds a switch to non-blocking and back
    goal = use_umqtt2.received + n
    while use_umqtt2.received < goal:
        wait()


def settle(c):
    """Nothing is left to do."""
