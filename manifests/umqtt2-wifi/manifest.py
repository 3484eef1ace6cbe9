# Wi-Fi that a client brings up, for `network=` of umqtt2-robust and umqtt2-aio.

metadata(version="0.1.0", description="Wi-Fi that umqtt2's clients bring up", license="MIT")

package("umqtt2", files=("wifi.py",), base_path="../..")
