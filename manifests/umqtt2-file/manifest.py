# A session store that keeps messages in a file.

metadata(version="0.1.0", description="A session store in a file for umqtt2", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-qos2", library="umqtt2")

package("umqtt2", files=("session/file.py", "session/journal.py"), base_path="../..")
