"""How many writes each packet takes: a transport that counts them."""

from umqtt2.transport.tcp import TCPTransport


class Counting:
    """Keeps the size of each write."""

    def __init__(self, server, port):
        self.tcp = TCPTransport(server, port)
        self.sizes = []

    def __getattr__(self, name):
        return getattr(self.tcp, name)

    def write(self, buf, offset, n):
        taken = self.tcp.write(buf, offset, n)
        if taken:
            self.sizes.append(taken)
        return taken


def run(device):
    a = device.config["client"]
    transport = Counting(a["server"], a["port"])
    c = device.client(transport=transport)

    def sizes():
        result = transport.sizes[:]
        transport.sizes.clear()
        return result

    c.set_last_will(device.topic("will"), "w" * 20)
    c.connect()
    said = {"connect": sizes()}
    topic = device.topic("up")
    for qos in (0, 1):
        room = 128 - 2 - 2 - len(topic) - 2 * qos  # fixed header of 2: a remaining length up to 127
        for left in (0, 1, 2, -1, -2):
            c.publish(topic, bytes(room - left), qos=qos)
            said["publish at QoS %d with %d bytes free" % (qos, left)] = sizes()
    filter = "f" * (128 - 2 - 2 - 2 - 1)
    device.wait_status(c, c.subscribe(filter))
    said["subscribe"] = sizes()
    device.wait_status(c, c.unsubscribe(filter + "f"))
    said["unsubscribe"] = sizes()
    c.ping()
    said["ping"] = sizes()
    device.subscribe(c, "down", 1)
    sizes()
    device.say("ready")
    device.until(c, lambda: device.messages)
    said["acknowledge"] = sizes()
    c.disconnect()
    said["disconnect"] = sizes()
    device.say("counted", **said)
