# The profile `simple`: all that umqtt.simple2 does.

metadata(version="0.1.0", description="MQTT 3.1.1 client: TCP, TLS, QoS 0 and 1", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-core", library="umqtt2")
require("umqtt2-tls", library="umqtt2")
require("umqtt2-texts", library="umqtt2")
