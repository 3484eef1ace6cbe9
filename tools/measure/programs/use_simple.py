"""umqtt.simple, which waits for each acknowledgement by itself and knows no burst."""

from feeder import MSG, TOPIC
from umqtt.simple import MQTTClient

received = 0


def on_message(topic, msg):
    global received
    received += 1


def connect(host, port):
    client = MQTTClient(b"bench", host, port)
    client.set_callback(on_message)
    client.connect()
    return client


def subscribe(c, topic):
    c.subscribe(topic)


def qos0(c, n):
    publish = c.publish
    for _ in range(n):
        publish(TOPIC, MSG)


def qos1(c, n):
    publish = c.publish
    for _ in range(n):
        publish(TOPIC, MSG, False, 1)


def receive(c, n):
    wait = c.wait_msg  # check_msg only adds a switch to non-blocking and back
    goal = received + n
    while received < goal:
        wait()


def publish_qos1(c):
    c.publish(TOPIC, MSG, False, 1)


def settle(c):
    """Nothing is left to do."""
