"""The echo program with chumicro-mqtt."""

import sys

from chumicro_sockets.sockets_factory import fixed_connector_factory
from chumicro_timing import ticks_ms

from umqtt2 import MQTTClient

left = int(sys.argv[2])


def on_publish(*facts):
    global left
    left -= 1


def on_message(topic, payload):
    c.publish("sizes/up", payload, qos=1, on_publish=on_publish)


c = MQTTClient(transport_factory=fixed_connector_factory("localhost", int(sys.argv[1])), client_id="sizes")
c.on_message = on_message
c.subscribe("sizes/down", 1)
c.connect()
while left:
    now = ticks_ms()
    if c.check(now):
        c.handle(now)
c.disconnect()
