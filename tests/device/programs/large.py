"""A payload of 7 KB to the device and back."""


def run(device):
    c = device.client()

    def echo(topic, msg, retained, dup):
        device.messages.append(len(msg))
        device.pid = c.publish(device.topic("up"), msg, qos=1)

    c.set_callback(echo)
    c.connect()
    device.subscribe(c, "down", 1)
    device.say("ready")
    device.until(c, lambda: device.messages)
    device.say("echoed", size=device.messages[0], status=device.wait_status(c, device.pid))
    c.disconnect()
