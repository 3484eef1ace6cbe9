"""umqtt.simple2."""

from time import sleep_ms

from umqtt.simple2 import MQTTClient
from waking import COMMANDS, READING, TOPIC, acknowledged


def wake(config):
    told = []
    c = MQTTClient(
        "bench", config["host"], config["port"], ssl=config["tls"], ssl_params={}, socket_timeout=60
    )
    c.set_callback(print)
    c.set_callback_status(lambda pid, status: told.append(pid))
    c.connect()
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
