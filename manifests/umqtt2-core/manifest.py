# The client over plain TCP, QoS 0 and 1.

metadata(version="0.1.0", description="MQTT 3.1.1 client: TCP, QoS 0 and 1", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-base", library="umqtt2")

package("umqtt2", files=("session/packet_ids.py",), base_path="../..")
