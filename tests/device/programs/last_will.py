"""The last will: not after a disconnect, but after a lost connection."""

from transports import transport_of


def run(device):
    transport = transport_of(device)
    c = device.client(transport=transport)
    c.set_last_will(device.topic("will"), "left in order", qos=1)
    c.connect()
    c.disconnect()
    c.set_last_will(device.topic("will"), "gone", retain=True, qos=1)
    c.connect()
    transport.sock.close()
    try:
        c.check_msg()
        raise RuntimeError("nothing noticed")
    except OSError as e:
        device.say("lost", error=str(e))
