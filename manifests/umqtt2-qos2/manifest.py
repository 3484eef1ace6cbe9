# QoS 2, and payloads larger than the memory.

metadata(version="0.1.0", description="QoS 2 for umqtt2", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-core", library="umqtt2")
require("umqtt2-memory", library="umqtt2")

package("umqtt2", files=("session/qos2.py", "streaming.py"), base_path="../..")
