"""Send and receive numbered messages at QoS 1, and measure whether the free heap shrinks.

It is started by `import soak; soak.main({...})`, and prints these events as lines of JSON:

    ready    it has subscribed
    warm     after the warm-up: the free heap to compare with
    done     after all of them
"""

import gc
import json
import time

from umqtt2.errno import SDELIVERED, SUNKNOWNPID
from umqtt2.robust import MQTTClient
from umqtt2.session.memory import MemorySession

STORE_LIMIT = 20  # messages in the store; it is at most so many messages ahead of the other side
PAYLOAD = "%d %d"  # its number, how many have been received
QUIET_MS = 300
TIMEOUT_MS = 60000


class Soak:
    """The client and its counters; `main` describes `config`."""

    def __init__(self, config):
        self.sent = 0
        self.delivered = 0  # statuses SDELIVERED, except that of the subscription
        self.unknown = 0  # statuses SUNKNOWNPID
        self.received = 0  # different messages
        self.again = 0  # duplicates
        self.skipped = 0  # messages missing before a later one
        self.ups = 0  # connections
        self.up = config["prefix"] + "/up/soak"
        self.session = MemorySession(STORE_LIMIT)
        version = {}
        self.options = 1
        if config["five"]:
            from umqtt2.v5 import V5, Options, Topic

            self.up = Topic(self.up, expiry=3600, user=[("by", "soak")])
            version["packets"] = V5(aliases=1)
            self.options = Options(1, identifier=1)
        self.client = client = MQTTClient(
            config["client"],
            "127.0.0.1",
            config["port"],
            keepalive=5,
            backoff=(0.02, 0.2),
            verbose=False,
            session=self.session,
            **version,
        )
        client.set_callback(self.on_message)
        client.set_callback_status(self.on_status)
        client.set_callback_connection(self.on_connection)
        client.connect()
        self.down = config["prefix"] + "/down/1"

    def on_message(self, topic, msg, retained, dup):
        number = int(msg)
        if number < self.received:
            self.again += 1
        else:
            self.skipped += number - self.received
            self.received = number + 1

    def on_status(self, pid, status):
        if pid == self.subscription and status == SDELIVERED:
            self.subscription = 0
        elif status == SDELIVERED:
            self.delivered += 1
        elif status == SUNKNOWNPID:
            self.unknown += 1
        else:
            raise ValueError("status", status)

    def on_connection(self, up):
        self.ups += up

    def subscribe(self):
        """Subscribe, and wait until it is granted."""
        self.subscription = self.client.subscribe(self.down, self.options)
        while self.subscription:
            self.client.check_msg()
            time.sleep_ms(1)

    def until(self, goal):
        """Send and receive until there are `goal` messages each way."""
        client = self.client
        session = self.session
        moved = time.ticks_ms()
        while self.delivered < goal or self.received < goal:
            if self.sent < goal and self.sent < self.received + STORE_LIMIT and session.waiting() < STORE_LIMIT:
                client.publish(self.up, PAYLOAD % (self.sent, self.received), False, 1)
                self.sent += 1
            if client.check_msg():
                moved = time.ticks_ms()
            else:
                time.sleep_ms(1)
                if time.ticks_diff(time.ticks_ms(), moved) > TIMEOUT_MS:
                    raise RuntimeError("timeout", client.last_error)

    def wait_idle(self):
        """Wait until the client is connected and idle."""
        start = time.ticks_ms()
        while time.ticks_diff(time.ticks_ms(), start) < QUIET_MS:
            if self.client.check_msg() or not self.client.is_connected():
                start = time.ticks_ms()
            time.sleep_ms(1)
        # The errors of two connections may have different sizes in the heap.
        self.client.last_error = None

    def say(self, event):
        """Wait until idle, then print an event with the counters and the free heap."""
        self.wait_idle()
        # The properties of the last packet are kept: let it be a SUBACK each time.
        self.subscribe()
        gc.collect()
        free = gc.mem_free()
        names = ("sent", "delivered", "unknown", "received", "again", "skipped", "ups")
        facts = {name: getattr(self, name) for name in names}
        facts["free"] = free
        print(json.dumps({"event": event, "facts": facts}))


def main(config):
    """Run it.

    config  `prefix` of the topics, `client` identifier, `port` of the broker on 127.0.0.1, `warm_up` and
            `count` of messages each way, `five`: with MQTT 5
    """
    gc.threshold(2048)  # as docs/reliability.md says, so that the heap is not in pieces
    soak = Soak(config)
    soak.say("ready")
    soak.until(config["warm_up"])
    soak.say("warm")
    soak.until(config["warm_up"] + config["count"])
    soak.say("done")
    soak.client.disconnect()
