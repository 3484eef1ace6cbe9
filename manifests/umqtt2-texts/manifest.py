# Error numbers in words. Without it exceptions are printed as numbers.

metadata(version="0.1.0", description="Error numbers of umqtt2 in words", license="MIT")

add_library("umqtt2", "..")
require("umqtt2-base", library="umqtt2")

package("umqtt2", files=("texts.py",), base_path="../..")
