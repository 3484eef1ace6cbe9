"""umqtt2."""

from time import sleep_ms

from waking import COMMANDS, READING, TOPIC, acknowledged, arguments

from umqtt2 import MQTTClient


def wake(config):
    told = []
    c = MQTTClient(**arguments(config))
    c.set_callback(print)
    c.set_callback_status(lambda pid, status: told.append(pid))
    c.connect(eager=config["eager"])
    wanted = 1
    if config["scenario"] == "commands":
        c.subscribe(COMMANDS, 1)
        wanted = 2
    qos = 0 if config["scenario"] == "qos0" else 1
    c.publish(TOPIC, READING, qos=qos)
    if qos:
        while len(told) < wanted:
            c.check_msg()
            sleep_ms(5)
        acknowledged()
    c.disconnect()
