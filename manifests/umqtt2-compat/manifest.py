# `from umqtt.simple2 import MQTTClient` for programs that were written for umqtt.simple2.

metadata(version="0.1.0", description="umqtt.simple2's place, filled by umqtt2", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-simple", library="umqtt2")

package("umqtt", files=("__init__.py", "errno.py", "simple2.py"), base_path="../../compat")
