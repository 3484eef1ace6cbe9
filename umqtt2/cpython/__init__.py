"""What CPython lacks, under MicroPython's names, so that the rest has one source. Not for a board."""

import sys

if sys.implementation.name == "micropython":
    raise ImportError("umqtt2.cpython is for CPython")
