"""For unit tests of programs that use the client: no network, no sleeping. Not for a board.

    FakeClock      time that passes when the test says so
    FakeTransport  bytes in, bytes out, and every fault that a transport can have
    FakeBroker     a FakeTransport with a small broker behind it

    from umqtt2 import MQTTClient
    from umqtt2.testing import FakeBroker

    broker = FakeBroker()
    client = MQTTClient("lamp", "broker", transport=broker, clock=broker.clock)
"""

from .broker import FakeBroker
from .clock import FakeClock
from .transport import FakeTransport

__all__ = ("FakeBroker", "FakeClock", "FakeTransport")
