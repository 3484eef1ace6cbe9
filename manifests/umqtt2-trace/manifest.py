# A transport that prints the packets that pass over another one.

metadata(version="0.1.0", description="umqtt2's packets in words, for finding errors", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-core", library="umqtt2")

package("umqtt2", files=("transport/trace.py",), base_path="../..")
