"""For unit tests of programs that use the client: no network, no sleeping. Not for a board.

    FakeClock      time that passes when the test says so
    FakeTransport  bytes in, bytes out, and every fault that a transport can have
    FakeBroker     a FakeTransport with a small broker behind it, which speaks MQTT 3.1.1 and MQTT 5
    encode_properties, decode_properties
                   the properties of MQTT 5, for what the broker is told and for what it has seen

and for parts of your own

    check_session    tries a session store against the contract in `umqtt2.session`
    check_transport  tries a transport against the contract in `umqtt2.transport`

    from umqtt2 import MQTTClient
    from umqtt2.testing import FakeBroker

    broker = FakeBroker()
    client = MQTTClient("lamp", "broker", transport=broker, clock=broker.clock)
"""

from .broker import FakeBroker
from .clock import FakeClock
from .properties import decode_properties, encode_properties
from .store_checks import check_session
from .transport import FakeTransport
from .transport_checks import check_transport

__all__ = (
    "FakeBroker",
    "FakeClock",
    "FakeTransport",
    "check_session",
    "check_transport",
    "decode_properties",
    "encode_properties",
)
