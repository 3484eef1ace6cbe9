"""paho-mqtt with its network loop in a thread of its own (`loop_start`), which is what most programs use."""

import time

import use_paho
from feeder import MSG
from use_paho import TEXT_TOPIC


def connect(host, port):
    client = use_paho.made()
    client.connect(host, port)
    client.loop_start()
    while not client.is_connected():
        time.sleep(0.001)
    return client


def subscribe(c, topic):
    granted = []
    c.on_subscribe = lambda *_: granted.append(1)
    c.subscribe(topic.decode())
    while not granted:
        time.sleep(0.001)


def qos0(c, n):
    publish = c.publish
    for _ in range(n):
        info = publish(TEXT_TOPIC, MSG)
    info.wait_for_publish()


def qos1(c, n):
    publish = c.publish
    for _ in range(n):
        publish(TEXT_TOPIC, MSG, 1).wait_for_publish()


def burst(c, n):
    """The window is paho's own: it keeps what is too much for it until there is room."""
    publish = c.publish
    for info in [publish(TEXT_TOPIC, MSG, 1) for _ in range(n)]:
        info.wait_for_publish()


def receive(c, n):
    goal = use_paho.received + n
    while use_paho.received < goal:
        time.sleep(0.0005)
