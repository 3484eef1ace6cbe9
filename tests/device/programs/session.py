"""A session that outlives the connection, and the program: `config["first"]` says which half this is."""


def run(device):
    c = device.client()
    resumed = c.connect(clean_session=False)
    if device.config["first"]:
        device.subscribe(c, "down", 1)
    else:
        device.until(c, lambda: len(device.messages) == 2)
    device.say("session", resumed=resumed, messages=device.messages)
    c.disconnect()
    if not device.config["first"]:
        c.connect()  # a clean session: the broker forgets the old one
        c.disconnect()
