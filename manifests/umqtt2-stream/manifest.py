# MQTT over a UART, a modem, or any other stream.

metadata(version="0.1.0", description="Any stream as a transport for umqtt2", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-core", library="umqtt2")

package("umqtt2", files=("transport/stream.py",), base_path="../..")
