"""umqtt2."""

from waking import arguments, exchange

from umqtt2 import MQTTClient


def wake(config):
    exchange(MQTTClient(**arguments(config)), config, eager=config["eager"])
