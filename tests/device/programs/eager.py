"""What a program sends before it knows whether the broker accepts it: `umqtt2` and `umqtt2.robust`."""

from umqtt2 import MQTTException


def run(device):
    config = device.config
    if config["robust"]:
        from umqtt2.robust import MQTTClient

        c = device.client(MQTTClient)
        pids = [c.subscribe(device.topic("down"), 1), c.publish(device.topic("up"), "reading", qos=1)]
        c.connect()
    else:
        c = device.client()
        c.connect(eager=True)
        pids = []
    number = 0
    try:
        if not pids:
            pids = [c.subscribe(device.topic("down"), 1), c.publish(device.topic("up"), "reading", qos=1)]
        device.until(c, lambda: len(device.statuses) == 2)
    except (OSError, MQTTException) as e:
        number = e.args[0]
    device.say("told", pids=pids, statuses=device.statuses, number=number)
    c.disconnect()
