"""Writes to the socket for one packet: `main("umqtt2", "127.0.0.1", 1883)` prints them for each kind."""

import json

from feeder import MSG, TOPIC


class Counting:
    """A socket, or a transport of umqtt2, that counts its writes."""

    def __init__(self, real):
        self.real = real
        self.writes = 0

    def write(self, *arguments):
        self.writes += 1
        return self.real.write(*arguments)

    def __getattr__(self, name):
        return getattr(self.real, name)


def parts(holder):
    """Return the values of an object's attributes."""
    return [getattr(holder, name) for name in dir(holder) if name[:2] != "__"]


def counted(*holders):
    """Have a socket count its writes, where an object has one, and return it: it is an attribute that has `write`,
    whatever a trimmed build has called it."""
    for holder in holders:
        for name in dir(holder):
            if name != "write" and name[:2] != "__" and hasattr(getattr(holder, name, None), "write"):
                counting = Counting(getattr(holder, name))
                try:
                    setattr(holder, name, counting)
                except AttributeError:
                    continue  # of a module or a type, which is not the client's
                return counting


def main(client, host, port):
    """Publish with a socket that counts."""
    use = __import__("use_" + client)
    c = use.connect(host, port)
    counting = counted(c) or counted(*parts(c))
    if not counting:
        raise RuntimeError("no socket found")
    found = {}
    for qos in (0, 1):
        counting.writes = 0
        c.publish(TOPIC, MSG, False, qos)
        found[f"QoS {qos}"] = counting.writes
    print(json.dumps(found))
