# MQTT over WebSocket; with umqtt2-tls beneath it, over TLS.

metadata(version="0.1.0", description="WebSocket for umqtt2", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-core", library="umqtt2")

package("umqtt2", files=("transport/websocket.py",), base_path="../..")
