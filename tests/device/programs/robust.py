"""A client that reconnects by itself, while the network is cut again and again."""

import time

from umqtt2.robust import MQTTClient


def run(device):
    ups = []
    c = device.client(MQTTClient, backoff=(0.05, 0.2))
    c.set_callback_connection(ups.append)
    longest = 0
    pids = []
    c.connect()
    c.subscribe(device.topic("down"), 2)
    device.until(c, lambda: len(device.statuses) == 1)
    device.statuses = []
    device.say("ready")

    def delivered():
        return len(device.statuses) == len(pids) == device.config["count"] and len(device.messages) == 2

    end = time.ticks_add(time.ticks_ms(), 15000)
    while not delivered():
        if len(pids) < device.config["count"] and len(pids) - len(device.statuses) < 4:
            pids.append(c.publish(device.topic("up"), "%d" % len(pids), qos=1 + len(pids) % 2))
        start = time.ticks_ms()
        c.check_msg()
        longest = max(longest, time.ticks_diff(time.ticks_ms(), start))
        time.sleep_ms(5)
        if time.ticks_diff(end, time.ticks_ms()) < 0:
            raise RuntimeError("waited too long: %s %s %s" % (device.messages, device.statuses, c.last_error))
    device.say("delivered", pids=pids, statuses=device.statuses, messages=device.messages, ups=ups)
    c.disconnect()
