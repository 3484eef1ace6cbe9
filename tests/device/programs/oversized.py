"""Messages that are larger than max_packet, at QoS 0 and 1."""


def run(device):
    c = device.client(max_packet=1000)
    c.connect(clean_session=False)
    device.subscribe(c, "down", 1)
    device.statuses.clear()
    device.say("ready")
    device.until(c, lambda: device.messages)
    device.say("got", messages=device.messages, statuses=device.statuses)
    device.wait_status(c, c.publish(device.topic("up"), "alive", qos=1))
    c.disconnect()
    # What was not acknowledged would come again now, before anything new.
    device.messages.clear()
    device.statuses.clear()
    resumed = c.connect(clean_session=False)
    device.say("back", resumed=resumed)
    device.until(c, lambda: device.messages)
    device.say("then", messages=device.messages, statuses=device.statuses)
    c.disconnect()
    c.connect()
    c.disconnect()
