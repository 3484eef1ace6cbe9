"""Connects that fail, again and again, and how many descriptors the process has before and after."""

import os


def count():
    return len(list(os.ilistdir("/proc/self/fd")))


def run(device):
    c = device.client(socket_timeout=device.config["socket_timeout"])
    before = count()
    for _ in range(device.config["times"]):
        try:
            c.connect()
            raise RuntimeError("connected")
        except RuntimeError:
            raise
        except Exception:
            pass
    device.say("counted", before=before, after=count())
