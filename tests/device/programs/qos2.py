"""Exactly once, in both directions; and again with a store that keeps messages."""

from umqtt2.session.memory import MemorySession


def run(device):
    for session in (None, MemorySession()):
        c = device.client(session=session)
        c.connect()
        device.subscribe(c, "down", 2)
        pids = [c.publish(device.topic("up"), "message %d" % i, qos=2) for i in range(3)]
        device.until(c, lambda: len(device.statuses) == 3)
        device.say("published", pids=pids, statuses=device.statuses)
        device.until(c, lambda: len(device.messages) == 2)
        device.say("got", messages=device.messages)
        c.disconnect()
        device.messages = []
        device.statuses = []
