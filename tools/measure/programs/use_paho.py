"""paho-mqtt with its network loop in the program's own thread: `publish` then writes at once."""

import paho.mqtt.client as mqtt
from feeder import MSG, TOPIC, WINDOW

TEXT_TOPIC = TOPIC.decode()  # paho takes topics as str alone

acknowledged = 0
received = 0


def on_publish(client, userdata, pid, reason, properties):
    global acknowledged
    acknowledged += 1


def on_message(client, userdata, message):
    global received
    received += 1


def made(host, port):
    """Return a client that connects; without MQTTv311 it would try the same."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "bench", protocol=mqtt.MQTTv311)
    client.max_inflight_messages_set(WINDOW)
    client.on_message = on_message
    client.connect(host, port)
    return client


def connect(host, port):
    client = made(host, port)
    client.on_publish = on_publish
    while not client.is_connected():
        client.loop()
    return client


def subscribe(c, topic):
    granted = []
    c.on_subscribe = lambda *_: granted.append(1)
    c.subscribe(topic.decode())
    while not granted:
        c.loop()


def qos0(c, n):
    publish = c.publish
    for _ in range(n):
        publish(TEXT_TOPIC, MSG)
    while c.want_write():
        c.loop_write()


def qos1(c, n, window=1):
    publish = c.publish
    loop = c.loop
    first = acknowledged
    for i in range(n):
        while i - window >= acknowledged - first:
            loop()
        publish(TEXT_TOPIC, MSG, 1)
    while acknowledged < first + n:
        loop()


def receive(c, n):
    loop = c.loop
    goal = received + n
    while received < goal:
        loop()
