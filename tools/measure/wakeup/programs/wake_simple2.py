"""umqtt.simple2."""

from umqtt.simple2 import MQTTClient
from waking import exchange


def wake(config):
    c = MQTTClient("bench", config["host"], config["port"], ssl=config["tls"], ssl_params={}, socket_timeout=60)
    exchange(c, config)
