"""A QoS 1 message whose acknowledgement does not come, or only much later."""


def run(device):
    c = device.client(message_timeout=0.3)
    c.connect()
    device.subscribe(c, "go")
    device.say("ready")
    device.until(c, lambda: device.messages)
    # From here on, what the broker says is held back.
    pid = c.publish(device.topic("up"), "unanswered", qos=1)
    device.say("timed out", status=device.wait_status(c, pid))
    # Now it is let through.
    device.say("late", status=device.wait_status(c, pid))
    device.say("again", status=device.wait_status(c, c.publish(device.topic("up"), "answered", qos=1)))
    c.disconnect()
