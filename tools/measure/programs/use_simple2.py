"""umqtt.simple2, whose API is that of umqtt2."""

import use_umqtt2
from use_umqtt2 import qos0, qos1, receive, settle, subscribe  # noqa: F401


def connect(host, port):
    return use_umqtt2.connect(host, port, "umqtt.simple2")
