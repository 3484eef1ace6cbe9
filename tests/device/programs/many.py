"""More messages than a broker takes at a time, at QoS 1 and 2 in turn, as fast as the store takes them."""

import time

from umqtt2 import MQTTException
from umqtt2.errno import EFULL


def make(device):
    store = device.config["store"]
    if store == "default":
        return device.client()
    from umqtt2.robust import MQTTClient

    if store == "file":
        from umqtt2.session.file import FileSession

        return device.client(MQTTClient, session=FileSession(device.config["path"], limit=50))
    from umqtt2.session.memory import MemorySession

    return device.client(MQTTClient, session=MemorySession(limit=50))


def run(device):
    c = make(device)
    count = device.config["count"]
    told = {}

    def on_status(pid, status):
        told[status] = told.get(status, 0) + 1

    c.set_callback_status(on_status)
    c.connect()
    topic = device.topic("up")
    sent = 0
    end = time.ticks_add(time.ticks_ms(), 15000)
    while sum(told.values()) < count:
        try:
            while sent < count:
                c.publish(topic, str(sent), qos=1 + sent % 2)
                sent += 1
        except MQTTException as e:
            if e.args[0] != EFULL:
                raise
        if not c.check_msg():
            time.sleep_ms(1)
        if time.ticks_diff(end, time.ticks_ms()) < 0:
            raise RuntimeError("waited too long: %d sent, %s" % (sent, told))
    device.say("told", delivered=told.get(1, 0))
    c.disconnect()
