# A callback for each topic filter.

metadata(version="0.1.0", description="A callback for each topic filter, for umqtt2", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-memory", library="umqtt2")

package("umqtt2", files=("router.py",), base_path="../..")
