"""umqtt2: an MQTT client for MicroPython, for boards and for tests on a laptop.

`MQTTClient` is all that most programs need; `MQTTException` is what it raises. The numbers in an
exception, and those that the status callback is given, have names in `umqtt2.errno`.

`umqtt2.robust.MQTTClient` is one that reconnects by itself, `umqtt2.aio.MQTTClient` one for asyncio.
"""

from .client import MQTTClient
from .errno import MQTTException

__version__ = "0.1.0"
__all__ = ("MQTTClient", "MQTTException")
