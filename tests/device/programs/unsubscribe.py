"""Unsubscribe from one of two topics."""


def run(device):
    c = device.client()
    c.connect()
    device.subscribe(c, "down")
    device.subscribe(c, "end")
    device.say("ready")
    device.until(c, lambda: device.messages)
    status = device.wait_status(c, c.unsubscribe(device.topic("down")))
    device.say("unsubscribed", status=status)
    device.until(c, lambda: device.messages[-1][0] == "end")
    device.say("got", messages=device.messages)
    c.disconnect()
