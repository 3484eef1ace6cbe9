"""A client of three servers: nobody is at the first, and the second closes while the client is connected to it."""

from umqtt2.robust import MQTTClient


def run(device):
    ups = []
    servers = [tuple(one) for one in device.config["servers"]]
    c = device.client(MQTTClient, server=servers, backoff=(0.05, 0.2), verbose=False)
    c.set_callback_connection(lambda up: ups.append([up, c.port]))
    c.connect()
    refused = c.last_error.args
    pids = [c.publish(device.topic("up"), "before", qos=1)]
    device.until(c, lambda: len(device.statuses) == 1)
    device.say("connected", ups=ups, refused=refused)
    device.until(c, lambda: not c.is_connected())
    pids.append(c.publish(device.topic("up"), "after", qos=1))
    device.until(c, lambda: len(device.statuses) == 2)
    device.say("again", pids=pids, statuses=device.statuses, ups=ups)
    c.disconnect()
