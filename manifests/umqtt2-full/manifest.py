# The profile `full`: every component of umqtt2 that runs on a device.

metadata(version="0.1.0", description="MQTT client with all its parts", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-core", library="umqtt2")
require("umqtt2-tls", library="umqtt2")
require("umqtt2-texts", library="umqtt2")
require("umqtt2-websocket", library="umqtt2")
require("umqtt2-stream", library="umqtt2")
require("umqtt2-trace", library="umqtt2")
require("umqtt2-router", library="umqtt2")
require("umqtt2-wifi", library="umqtt2")
require("umqtt2-qos2", library="umqtt2")
require("umqtt2-file", library="umqtt2")
require("umqtt2-robust", library="umqtt2")
require("umqtt2-aio", library="umqtt2")
require("umqtt2-v5", library="umqtt2")
