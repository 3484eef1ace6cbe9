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

TIMEOUT_MS = 50000


class Device:
    """The settings and results of a program, and how it reports them.

    config    the dict that it was started with: `prefix` of all topics, `client` the client's
              arguments by name, and more that only this program knows
    messages  what the message callback was given: [topic without prefix, payload, retained]
    statuses  what the status callback was given: [pid, status]
    """

    def __init__(self, config):
        self.config = config
        self.messages = []
        self.statuses = []

    def say(self, event, **facts):
        """Print an event with its facts."""
        print(json.dumps({"event": event, "facts": facts}))

    def topic(self, name):
        """Return a topic below this run's prefix."""
        return self.config["prefix"] + "/" + name

    def client(self, make=MQTTClient, **more):
        """Return a client, not yet connected; `more` arguments go before the configured ones."""
        client = make(**self.arguments(**more))
        client.set_callback(self.on_message)
        client.set_callback_status(self.on_status)
        return client

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

    def transport(self):
        """Return the transport that the configured client would make."""
        a = self.config["client"]
        if a.get("ssl"):
            from umqtt2.transport.tls import TLSTransport

            return TLSTransport(a["server"], a["port"], **a["ssl_params"])
        from umqtt2.transport.tcp import TCPTransport

        return TCPTransport(a["server"], a["port"])

    def on_message(self, topic, msg, retained, dup):
        """Keep a message."""
        self.messages.append([topic.decode()[len(self.config["prefix"]) + 1 :], msg, retained])

    def on_status(self, pid, status):
        """Keep a status."""
        self.statuses.append([pid, status])

    def until(self, client, condition, ms=TIMEOUT_MS):
        """Process messages until `condition()`; raise when that takes too long."""
        end = time.ticks_add(time.ticks_ms(), ms)
        while not condition():
            if not client.check_msg():
                if time.ticks_diff(end, time.ticks_ms()) < 0:
                    raise RuntimeError("waited too long: %s %s" % (self.messages, self.statuses))
                time.sleep_ms(1)

    def wait_status(self, client, pid):
        """Process messages until there is a status for `pid`, and return it."""
        self.until(client, lambda: any(entry[0] == pid for entry in self.statuses))
        for i, entry in enumerate(self.statuses):
            if entry[0] == pid:
                return self.statuses.pop(i)[1]

    def subscribe(self, client, name, qos=0):
        """Subscribe below the prefix, and wait until the broker has granted it."""
        status = self.wait_status(client, client.subscribe(self.topic(name), qos))
        if status != 1:
            raise RuntimeError("subscribe: status %d" % status)


def main(name, config):
    """Run a program; the last event is `done`, or else there is a traceback."""
    wifi = config.pop("wifi", None)
    if wifi:
        __import__("wifi").connect(*wifi)
    if config.pop("gc_stress", False):
        gc.threshold(1)
    program = __import__(name)
    device = Device(config)
    gc.collect()
    start = time.ticks_ms()
    program.run(device)
    ms = time.ticks_diff(time.ticks_ms(), start)
    gc.collect()
    device.say("done", ms=ms, free=gc.mem_free() if hasattr(gc, "mem_free") else 0)
