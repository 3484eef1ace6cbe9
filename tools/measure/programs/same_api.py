"""The measured loops for umqtt.simple2 and umqtt2, whose API is the same."""

from feeder import MSG, TOPIC, WINDOW

acknowledged = 0
received = 0


def on_status(pid, status):
    global acknowledged
    acknowledged += 1


def on_message(topic, msg, retained, dup):
    global received
    received += 1


def prepared(client):
    """Return the client, connected."""
    client.set_callback(on_message)
    client.set_callback_status(on_status)
    client.connect()
    return client


def subscribe(c, topic):
    goal = acknowledged + 1
    c.subscribe(topic)
    while acknowledged < goal:
        c.wait_msg()


def qos0(c, n):
    publish = c.publish
    for _ in range(n):
        publish(TOPIC, MSG)


def qos1(c, n):
    publish = c.publish
    wait = c.wait_msg
    for _ in range(n):
        goal = acknowledged + 1
        publish(TOPIC, MSG, False, 1)
        while acknowledged < goal:
            wait()


def burst(c, n):
    publish = c.publish
    wait = c.wait_msg
    first = acknowledged
    for i in range(n):
        while i - WINDOW >= acknowledged - first:
            wait()
        publish(TOPIC, MSG, False, 1)
    while acknowledged < first + n:
        wait()


def receive(c, n):
    check = c.check_msg
    goal = received + n
    while received < goal:
        check()


def idle(c, n):
    check = c.check_msg
    for _ in range(n):
        check()


def publish_qos1(c):
    """Publish, and leave the acknowledgement for later."""
    c.publish(TOPIC, MSG, False, 1)


def settle(c):
    """Take the acknowledgement of one message."""
    goal = acknowledged + 1
    while acknowledged < goal:
        c.wait_msg()
