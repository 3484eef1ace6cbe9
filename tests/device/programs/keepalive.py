"""A client that says nothing of its own accord for `config["ms"]`, and calls check_msg."""

import time


def run(device):
    c = device.client(keepalive=1)
    c.connect()
    device.subscribe(c, "down")
    device.say("ready")
    start = time.ticks_ms()
    count = 0
    while time.ticks_diff(time.ticks_ms(), start) < device.config["ms"]:
        if c.check_msg():
            count += len(device.messages)
            device.messages.clear()
        else:
            time.sleep_ms(10)
    device.say("still here", received=count)
    c.publish(device.topic("up"), "still here")
    c.disconnect()
