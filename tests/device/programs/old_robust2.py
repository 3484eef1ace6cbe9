"""What a program of umqtt.robust2 does, through a lost connection."""

import time

from umqtt.robust2 import MQTTClient


def until(c, condition):
    end = time.ticks_add(time.ticks_ms(), 8000)
    while not condition():
        c.check_msg()
        c.send_queue()
        if time.ticks_diff(end, time.ticks_ms()) < 0:
            raise RuntimeError("waited too long")
        time.sleep_ms(1)


def run(device):
    a = device.config["client"]
    topic = device.topic("t")
    messages = []
    c = MQTTClient("old", a["server"], a["port"], ssl=True, ssl_params=a["ssl_params"])
    c.set_callback(lambda topic, msg, retained, dup: messages.append(msg.decode()))
    c.connect(clean_session=False)
    if c.is_conn_issue():
        raise RuntimeError(str(c.conn_issue))
    device.say("connected")
    c.subscribe(topic, 1)
    c.publish(topic, "before", qos=1)
    until(c, lambda: not c.things_to_do() and messages)
    device.say("before", todo=c.things_to_do())
    c.sock.close()
    c.publish(topic, "offline", qos=1)
    device.say("offline", todo=c.things_to_do())
    while c.is_conn_issue():
        c.reconnect()
    c.resubscribe()
    device.say("back")
    until(c, lambda: not c.things_to_do() and len(messages) == 2)
    device.say("after", todo=c.things_to_do(), messages=messages)
    c.disconnect()
