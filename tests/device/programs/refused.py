"""A subscription that the broker refuses."""


def run(device):
    c = device.client()
    c.connect()
    refused = device.wait_status(c, c.subscribe(device.topic("forbidden"), 1))
    granted = device.wait_status(c, c.subscribe(device.topic("down"), 1))
    device.say("subscribed", refused=refused, granted=granted)
    device.until(c, lambda: device.messages)
    device.say("got", messages=device.messages)
    c.disconnect()
