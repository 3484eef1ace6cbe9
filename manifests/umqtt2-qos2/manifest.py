# QoS 2, session stores that keep messages in RAM to send them again, payloads larger than the memory.

metadata(version="0.1.0", description="QoS 2 and a message store for umqtt2", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-core", library="umqtt2")

package(
    "umqtt2",
    files=(
        "packets/filter.py",
        "session/memory.py",
        "session/qos2.py",
        "session/received_ids.py",
        "streaming.py",
    ),
    base_path="../..",
)
