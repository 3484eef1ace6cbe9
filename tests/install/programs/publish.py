"""Publish what was installed, at QoS 1: port, topic, module and, for TLS, the CA's file."""

import sys

port, topic, module = sys.argv[1:4]
imported = __import__(module)
client_class = sys.modules[module].MQTTClient
params = {"cadata": sys.argv[4]} if len(sys.argv) > 4 else None
statuses = []
client = client_class("installed", "localhost", int(port), ssl=params is not None, ssl_params=params)
client.set_callback_status(lambda pid, status: statuses.append(status))
client.connect()
client.publish(topic, imported.__file__ or module, qos=1)
while not statuses:
    client.wait_msg()
client.disconnect()
if statuses != [1]:
    raise RuntimeError(statuses)
