"""Messages that the broker does not accept, among others."""

import time

from umqtt2.robust import MQTTClient


def run(device):
    c = device.client(MQTTClient, backoff=(0.01, 0.01))
    c.connect()
    pids = []
    for i, size in enumerate(device.config["sizes"]):
        pids.append(c.publish(device.topic("up"), b"%d" % i + bytes(size - 1), qos=1 + i % 2))
    end = time.ticks_add(time.ticks_ms(), 30000)
    while len(device.statuses) < len(pids):
        c.check_msg()
        time.sleep_ms(2)
        if time.ticks_diff(end, time.ticks_ms()) < 0:
            raise RuntimeError("waited too long: %s %s" % (device.statuses, c.last_error))
    statuses = dict(device.statuses)
    device.say("told", statuses=[statuses[pid] for pid in pids], count=len(device.statuses))
    c.disconnect()
