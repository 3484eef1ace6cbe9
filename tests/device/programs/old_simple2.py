"""What a program of umqtt.simple2 does: a subclass, its attributes, a loop around check_msg()."""

import time

from umqtt.simple2 import MQTTClient, MQTTException


class Program(MQTTClient):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.statuses = []
        self.message = None

    def cbstat(self, pid, status):
        self.statuses.append([pid, status])

    def cb(self, topic, msg, retained, dup):
        self.message = [topic.decode(), msg.decode(), retained, dup]

    def until(self, condition):
        end = time.ticks_add(time.ticks_ms(), 8000)
        while not condition():
            self.check_msg()
            if time.ticks_diff(end, time.ticks_ms()) < 0:
                raise RuntimeError("waited too long")
            time.sleep_ms(1)


def run(device):
    a = device.config["client"]
    c = Program("old", a["server"], a["port"], ssl=True, ssl_params=a["ssl_params"])
    right = c.sock is None and c.rcv_pids == {} and c.port == a["port"] and c.pswd is None
    c.lw_topic = device.topic("will")
    c.lw_msg = "gone"
    c.connect()
    device.say("attributes", right=right and c.sock is not None and next(c.newpid) == 1)
    c.newpid = iter(range(1, 100))
    c.subscribe(device.topic("t"), 1)
    c.publish(device.topic("t"), "one", qos=1)
    c.rcv_pids[77] = time.ticks_add(time.ticks_ms(), 100)
    c.until(lambda: len(c.statuses) == 3 and c.message)
    device.say("statuses", seen=sorted(c.statuses))
    device.say("message", seen=c.message)
    c.sock.close()
    try:
        c.check_msg()
        raise RuntimeError("nothing noticed")
    except (OSError, MQTTException):
        device.say("lost", sock=c.sock)
