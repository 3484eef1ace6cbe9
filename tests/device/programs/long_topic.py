"""A topic of 500 bytes, both ways."""


def run(device):
    c = device.client()
    c.connect()
    name = device.config["name"]
    device.subscribe(c, name)
    device.say("ready")
    device.until(c, lambda: device.messages)
    topic, msg, _ = device.messages[0]
    if topic != name:
        raise RuntimeError(topic)
    c.publish(device.topic(topic[:-4] + "back"), msg)
    c.disconnect()
