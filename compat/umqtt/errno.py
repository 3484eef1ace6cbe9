"""umqtt.errno, as umqtt.simple2 had it: the numbers of umqtt2."""

from umqtt2.errno import *  # noqa: F403
