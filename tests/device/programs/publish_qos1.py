"""Publish at QoS 1, three messages at a time, and tell what became of each."""


def run(device):
    c = device.client()
    c.connect()
    pids = [c.publish(device.topic("up"), "message %d" % i, qos=1) for i in range(3)]
    device.until(c, lambda: len(device.statuses) == 3)
    device.say("published", pids=pids, statuses=device.statuses)
    c.disconnect()
