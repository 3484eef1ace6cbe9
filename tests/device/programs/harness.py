"""What the test programs share. It runs on a VM and on a board; pytest reads what it prints.

A program is a module with `run(device)`. It is started by

    import harness
    harness.main("publish", {"prefix": "test/1", "client": {"server": "192.0.2.1", ...}})
"""

import json

try:
    from umqtt2.cpython import clock as time  # on CPython
    from umqtt2.cpython import gc
except ImportError:
    import gc
    import time

try:
    from umqtt2 import MQTTClient
except ImportError:  # the build for asyncio
    MQTTClient = None


class Device:
    """The settings and results of a program, and how it reports them.

    config    the dict that it was started with: `prefix` of all topics, `client` the client's
              arguments by name, and more that only this program knows
    messages  what the message callback was given: [topic without prefix, payload, retained]
    """

    def __init__(self, config):
        self.config = config
        self.messages = []

    def say(self, event, **facts):
        """Print an event with its facts."""
        print(json.dumps({"event": event, "facts": facts}))

    def topic(self, name):
        """Return a topic below this run's prefix."""
        return self.config["prefix"] + "/" + name

    def arguments(self, **more):
        """Return the client's arguments by name; `more` go before the configured ones."""
        arguments = {
            "client_id": self.config["prefix"].replace("/", "-"),
            "socket_timeout": 30,  # these are for a busy machine
            "message_timeout": 40,
        }
        arguments.update(self.config["client"])
        arguments.update(more)
        return arguments

    def on_message(self, topic, msg, retained, dup):
        """Keep a message."""
        self.messages.append([topic.decode()[len(self.config["prefix"]) + 1 :], msg, retained])


def main(name, config):
    """Run a program; the last event is `done`, or else there is a traceback."""
    wifi = config.pop("wifi", None)
    if wifi:
        __import__("wifi").connect(*wifi)
    if config.pop("gc_stress", False):
        gc.threshold(1)
    program = __import__(name)
    device = __import__("plain").PlainDevice(config) if MQTTClient else Device(config)
    gc.collect()
    start = time.ticks_ms()
    program.run(device)
    ms = time.ticks_diff(time.ticks_ms(), start)
    gc.collect()
    device.say("done", ms=ms, free=gc.mem_free() if hasattr(gc, "mem_free") else 0)
