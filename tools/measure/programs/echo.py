"""Publish back at QoS 1 what comes: port, number of messages and, for TLS, the CA's file."""

import sys

from umqtt2 import MQTTClient

got = None


def on_message(topic, msg, *more):
    global got
    got = msg


params = None
if len(sys.argv) > 3:
    with open(sys.argv[3], "rb") as file:
        # 2 is CERT_REQUIRED.
        params = {"cadata": file.read(), "cert_reqs": 2, "server_hostname": "localhost"}
c = MQTTClient("sizes", "localhost", int(sys.argv[1]), None, None, 0, params is not None, params)
c.set_callback(on_message)
c.connect()
c.subscribe("sizes/down", 1)
for _ in range(int(sys.argv[2])):
    while got is None:
        c.wait_msg()
    c.publish("sizes/up", got, False, 1)
    got = None
c.disconnect()
