"""Publish and leave the broker while messages from it are unread, again and again."""

import time


def run(device):
    c = device.client()
    c.set_last_will(device.topic("will"), "died", qos=1)
    for i in range(device.config["times"]):
        c.connect()
        c.subscribe(device.topic("kept/#"), 1)
        c.publish(device.topic("up"), str(i), qos=i & 1)
        if i & 2:
            time.sleep_ms(5)
        c.disconnect()
