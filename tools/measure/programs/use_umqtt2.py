"""umqtt2, and the loops that others share with it: each does something `n` times with a connected client."""

from feeder import MSG, TOPIC

acknowledged = 0
received = 0


def on_status(pid, status):
    global acknowledged
    acknowledged += 1


def on_message(topic, msg, retained=False, dup=False):
    global received
    received += 1


def connect(host, port, module="umqtt2"):
    c = __import__(module, None, None, ("MQTTClient",)).MQTTClient(b"bench", host, port)
    c.set_callback(on_message)
    if hasattr(c, "set_callback_status"):
        c.set_callback_status(on_status)
    c.connect()
    return c


def subscribe(c, topic):
    goal = acknowledged + 1
    c.subscribe(topic)
    while acknowledged < goal:
        c.wait_msg()


def qos0(c, n):
    publish = c.publish
    for _ in range(n):
        publish(TOPIC, MSG)


def qos1(c, n, window=1):
    """Publish while fewer than `window` messages wait for their acknowledgement."""
    publish = c.publish
    wait = c.wait_msg
    first = acknowledged
    for i in range(n):
        while i - window >= acknowledged - first:
            wait()
        publish(TOPIC, MSG, False, 1)
    while acknowledged < first + n:
        wait()


def receive(c, n):
    check = c.check_msg
    goal = received + n
    while received < goal:
        check()


def settle(c):
    """Take the acknowledgement of one message."""
    goal = acknowledged + 1
    while acknowledged < goal:
        c.wait_msg()
