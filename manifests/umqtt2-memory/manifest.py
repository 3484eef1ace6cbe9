# A session store that keeps messages in RAM to send them again, and topic filters that are compared.

metadata(version="0.1.0", description="A message store for umqtt2", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-base", library="umqtt2")

package(
    "umqtt2",
    files=(
        "packets/filter.py",
        "session/memory.py",
        "session/received_ids.py",
    ),
    base_path="../..",
)
