"""Builds for a board: the modules of a profile, merged into one .mpy and made small.

`python -m tools.device PROFILE` writes build/device/PROFILE/, what goes into a board's /lib.
"""

from tools.device.builder import build, install
from tools.device.profiles import PROFILES

__all__ = ("PROFILES", "build", "install")
