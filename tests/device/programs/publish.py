"""Publish at QoS 0."""


def run(device):
    c = device.client()
    c.connect()
    for msg in ("hello", b"\x00\xff", ""):
        if c.publish(device.topic("up"), msg) is not None:
            raise RuntimeError("a packet identifier at QoS 0")
    c.disconnect()
