# The profile `simple5`: as `simple`, with MQTT 5.

metadata(version="0.1.0", description="MQTT 5 client: TCP, TLS, QoS 0 and 1", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-simple", library="umqtt2")
require("umqtt2-v5", library="umqtt2")
