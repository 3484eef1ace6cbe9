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


def main(client, host, port):
    """Publish with a socket that counts."""
    use = __import__("use_" + client)
    c = use.connect(host, port)
    # Where a client keeps its socket: an attribute that has `write`, whatever a trimmed build has called it.
    for name in dir(c):
        if name != "write" and hasattr(getattr(c, name), "write"):
            counting = Counting(getattr(c, name))
            setattr(c, name, counting)
            break
    else:
        raise RuntimeError("no socket found")
    found = {}
    for qos in (0, 1):
        counting.writes = 0
        c.publish(TOPIC, MSG, False, qos)
        found[f"QoS {qos}"] = counting.writes
    print(json.dumps(found))
