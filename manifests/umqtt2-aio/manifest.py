# The client for asyncio.

metadata(version="0.1.0", description="umqtt2's client for asyncio", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-robust", library="umqtt2")

package("umqtt2", files=("aio.py",), base_path="../..")
