"""What programs with the plain client or robust share, besides `harness`."""

from harness import Device, time

from umqtt2 import MQTTClient

TIMEOUT_MS = 50000


class PlainDevice(Device):
    """A Device that makes clients and processes their messages.

    statuses  what the status callback was given: [pid, status]
    """

    def __init__(self, config):
        super().__init__(config)
        self.statuses = []

    def client(self, make=MQTTClient, **more):
        """Return a client, not yet connected; `more` arguments go before the configured ones."""
        client = make(**self.arguments(**more))
        client.set_callback(self.on_message)
        client.set_callback_status(self.on_status)
        return client

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
