"""Receive messages at the QoS that `config` says."""


def run(device):
    c = device.client()
    c.connect()
    device.subscribe(c, "down", device.config["qos"])
    device.say("ready")
    device.until(c, lambda: len(device.messages) == device.config["count"])
    device.say("got", messages=device.messages)
    c.disconnect()
