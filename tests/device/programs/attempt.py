"""A connect that fails, and one that works: with the same client, after some attributes have changed."""

import time


def run(device):
    c = device.client(socket_timeout=device.config["socket_timeout"])
    start = time.ticks_ms()
    try:
        c.connect()
        raise RuntimeError("connected")
    except RuntimeError:
        raise
    except Exception as e:
        ms = time.ticks_diff(time.ticks_ms(), start)
        device.say("refused", type=type(e).__name__, args=[str(arg) for arg in e.args], ms=ms)
    c.socket_timeout = 5
    for name, value in device.config["then"].items():
        setattr(c, name, value)
    c.connect()
    c.publish(device.topic("up"), "usable")
    c.disconnect()
