# When to connect again.

metadata(version="0.1.0", description="Reconnecting for umqtt2", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-memory", library="umqtt2")

package("umqtt2", files=("reconnect.py",), base_path="../..")
