"""umqtt2.aio."""

from umqtt2.aio import MQTTClient


def client(host, port, keepalive):
    return MQTTClient("bench", host, port, keepalive=keepalive, clean_session=True, queue=1000)
