"""umqtt2.aio, with the methods that async_speed calls."""

from umqtt2.aio import MQTTClient


def client(host, port, keepalive):
    return MQTTClient("bench", host, port, keepalive=keepalive, clean_session=True, queue=1000)
