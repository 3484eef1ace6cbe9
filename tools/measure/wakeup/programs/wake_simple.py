"""umqtt.simple."""

from umqtt.simple import MQTTClient
from waking import COMMANDS, READING, TOPIC, acknowledged


def wake(config):
    c = MQTTClient("bench", config["host"], config["port"], ssl=config["tls"], ssl_params={})
    c.set_callback(print)
    c.connect()
    if config["scenario"] == "commands":
        c.subscribe(COMMANDS, 1)
    qos = 0 if config["scenario"] == "qos0" else 1
    c.publish(TOPIC, READING, qos=qos)
    if qos:
        acknowledged()
    c.disconnect()
