"""The program under test: a client with everything that its callbacks were given."""

from __future__ import annotations

from umqtt2 import MQTTClient, MQTTException, errno
from umqtt2.testing import FakeBroker

# Calls of a client that has to be connected.
CALLS = (
    lambda c: c.publish("t", "m"),
    lambda c: c.publish("t", "m", qos=1),
    lambda c: c.subscribe("t"),
    lambda c: c.unsubscribe("t"),
    lambda c: c.ping(),
    lambda c: c.check_msg(),
    lambda c: c.wait_msg(),
)


class App:
    def __init__(self, transport, make=MQTTClient, **options):
        options.setdefault("client_id", "id")
        options.setdefault("server", "broker")
        self.transport = transport
        self.clock = transport.clock
        self.client = make(transport=transport, clock=transport.clock, **options)
        self.messages: list[tuple] = []
        self.statuses: list[tuple] = []
        self.client.set_callback(lambda *args: self.messages.append(args))
        self.client.set_callback_status(lambda *args: self.statuses.append(args))

    def connect(self, clean_session=True):
        result = self.client.connect(clean_session)
        self.forget_sent()
        return result

    def connect_again(self, incoming=b"\x20\x02\1\0"):
        """Leave, which discards what comes meanwhile, then connect to a session that goes on; the transport is
        one that answers nothing by itself."""
        self.client.disconnect()
        self.transport.feed(incoming)
        return self.connect(False)

    def is_not_connected(self):
        """Whether each call says so, and sends nothing."""
        for call in CALLS:
            try:
                call(self.client)
            except MQTTException as e:
                if e.args != (errno.ECONNOT,):
                    return False
            else:
                return False
        return True

    def forget_sent(self):
        self.transport.sent.clear()
        self.transport.writes.clear()

    def drain(self):
        """Call check_msg until nothing is left to read and nothing more has come of it."""
        while self.client.check_msg() or self.transport.incoming:
            pass


def pass_time(a, seconds, step_ms=100):
    """Let time pass for an App, which looks at its messages after each step."""
    for _ in range(int(seconds * 1000 // step_ms)):
        a.clock.advance(step_ms)
        a.client.check_msg()


class Late(FakeBroker):
    """Says CONNACK when the program lets it."""

    def __init__(self):
        super().__init__()
        self.held = None

    def feed(self, data):
        if data[:1] == b"\x20":
            self.held = bytearray()
        if self.held is None:
            super().feed(data)
        else:
            self.held.extend(data)

    def let(self):
        data, self.held = self.held, None
        super().feed(bytes(data))
