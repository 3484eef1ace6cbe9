"""A device that wakes, publishes and sleeps."""

from umqtt2.robust import MQTTClient


def run(device):
    c = device.client(MQTTClient)
    pid = c.publish(device.topic("up"), "reading", qos=1)
    resumed = c.connect()
    device.say("connected", up=c.is_connected(), resumed=resumed)
    device.until(c, lambda: device.statuses)
    device.say("told", statuses=device.statuses, pid=pid, errors=repr(c.last_error))
    c.disconnect()
