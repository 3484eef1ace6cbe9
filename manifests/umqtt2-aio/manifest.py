# The client for asyncio, over TCP and TLS.

metadata(version="0.1.0", description="umqtt2's client for asyncio", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-reconnect", library="umqtt2")
require("umqtt2-tls", library="umqtt2")
require("umqtt2-texts", library="umqtt2")

package("umqtt2", files=("aio.py",), base_path="../..")
