# TLS.

metadata(version="0.1.0", description="TLS for umqtt2", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-base", library="umqtt2")

package("umqtt2", files=("transport/tls.py",), base_path="../..")
