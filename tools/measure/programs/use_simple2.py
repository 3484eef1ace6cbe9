"""umqtt.simple2."""

from same_api import *  # noqa: F403
from same_api import prepared
from umqtt.simple2 import MQTTClient


def connect(host, port):
    return prepared(MQTTClient(b"bench", host, port))
