# MQTT 5.

metadata(version="0.1.0", description="MQTT 5 for umqtt2", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-core", library="umqtt2")

package("umqtt2", files=("v5.py", "properties.py", "requests.py"), base_path="../..")
