# The client that reconnects by itself.

metadata(version="0.1.0", description="umqtt2's client that reconnects by itself", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-qos2", library="umqtt2")
require("umqtt2-reconnect", library="umqtt2")

package("umqtt2", files=("robust.py", "servers.py"), base_path="../..")
