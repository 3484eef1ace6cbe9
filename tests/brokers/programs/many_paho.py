"""The program `many` with paho-mqtt, on CPython alone: what befalls it, too, is the broker's doing."""

import time

from many import Progress
from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

IN_FLIGHT = 8  # after it has connected again, paho sends more at a time than it was told


def run(device):
    """See there."""
    config = device.config
    progress = Progress(device)
    waiting = {}

    def on_connect(client, data, flags, code, properties):
        if not flags.session_present:
            client.subscribe([(device.topic("down/%d" % qos), qos) for qos in config["qos"]])

    def on_publish(client, data, mid, code, properties):
        what = waiting.pop(mid, None)
        if what:
            progress.sent(*what)

    options = config["client"]
    identifier = config["prefix"].replace("/", "-")
    client = Client(CallbackAPIVersion.VERSION2, identifier, clean_session=False, protocol=MQTTv311)
    client.username_pw_set(options["user"], options["password"])
    client.on_connect = on_connect
    client.on_subscribe = lambda *more: print("ready")
    client.on_publish = on_publish
    client.on_message = lambda client, data, one: progress.got(one.topic, one.payload)
    client.connect_async(options["server"], options["port"], options["keepalive"])
    i = 0
    while not progress.over(client.is_connected()):
        try:
            client.reconnect()
        except OSError:
            time.sleep(0.05)
            continue
        while not client.loop(0.005) and not progress.over(client.is_connected()):
            while client.is_connected() and i < progress.total and len(waiting) < IN_FLIGHT:
                qos, number, (topic, payload, _, _) = progress.message(device, i)
                waiting[client.publish(topic, payload, qos).mid] = qos, number
                i += 1
    client.disconnect()
    device.say("over", waiting=len(waiting), error="")
