"""Exactly once, in both directions; and again with a store that keeps messages. It remembers the latest of many."""

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
    for pid in range(1, 200):  # a broker that releases none of them
        session.is_new(pid, b"t", b"m")
        session.mark_received(pid)
    device.say("again", new=[pid for pid in range(180, 200) if session.is_new(pid, b"t", b"m")])
