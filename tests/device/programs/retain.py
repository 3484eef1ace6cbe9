"""Retained messages, both ways."""


def run(device):
    c = device.client()
    c.connect()
    device.subscribe(c, "down")
    device.until(c, lambda: device.messages)
    device.say("ready")
    device.until(c, lambda: len(device.messages) == 2)
    device.say("got", messages=device.messages)
    pid = c.publish(device.topic("kept"), "kept by the broker", retain=True, qos=1)
    if device.wait_status(c, pid) != 1:
        raise RuntimeError("not delivered")
    c.disconnect()
