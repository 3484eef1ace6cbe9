"""How a client begins a connection, with what it was made with."""

try:
    from .cpython import gc
except ImportError:
    import gc  # type: ignore[no-redef]

from .connection import FOREVER, units
from .constants import CHECKS, FIVE, PLAIN, STRICT
from .packets.fields import payload_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .connection import Connection
    from .cpython.contracts import Packets, Payload, Transport

WAIT_MS = 500  # between two looks at the timers; half of the shortest keepalive
LEAVE_WAIT_MS = 100  # between two looks at a broker that has yet to close


def port_of(port: "int", ssl: "object", ssl_params: "object") -> "int":
    """Return the TCP port for what a client is made with. Raises ValueError for `ssl_params` without `ssl`, and
    TypeError or ValueError for what is no port, or no dict."""
    if CHECKS:
        if not isinstance(port, int):
            raise TypeError("port: not an int but %s" % type(port).__name__)
    if STRICT:
        if not 0 <= port < 65536:
            raise ValueError("port: not 0 to 65,535")
        if ssl_params and not isinstance(ssl_params, dict):
            raise TypeError("ssl_params: not a dict but %s" % type(ssl_params).__name__)
    if ssl_params and not ssl:
        raise ValueError("ssl_params: without ssl=True")
    return port or (8883 if ssl else 1883)


def start_connection(client: "Any", clean_session: "bool") -> "None":
    """Begin to connect, without waiting: `connection.step()` does the rest. An open connection is left first.

    client  has what `umqtt2.MQTTClient` is made with, as attributes of the same names

    Raises ValueError or TypeError for what is not allowed, and OSError when the transport fails at once.
    """
    limit = FOREVER if client.socket_timeout is None else units(client.socket_timeout, "socket_timeout")
    connection = client.connection
    if CHECKS:
        check_parts(client.server, client.transport, client.session, connection.packets)
    connection.timeout = units(client.message_timeout, "message_timeout")
    hello = connection.packets.connect(
        client.client_id, clean_session, client.keepalive, client.user, client.password, client.will, connection
    )
    if PLAIN:
        leave(connection)
    transport = client.transport or new_transport(client)
    connection.enter()
    try:
        connection.start(transport, hello, client.keepalive, limit)
    finally:
        connection.busy = False


def check_parts(server: "object", transport: "object", session: "object", packets: "Any") -> "None":
    """Raise TypeError for a server that is not one name, and for a class, or what else is no object of one, where there
    should be."""
    if not transport and not isinstance(server, (str, bytes)):
        raise TypeError("server: not a str but %s" % type(server).__name__)
    for name, part in (("transport", transport), ("session", session), ("packets", FIVE and packets.five and packets)):
        if isinstance(part, type):
            raise TypeError(name + ": a class; make an object of it, as in TCPTransport(server, port)")
    if STRICT:
        for name, part, attribute in (("transport", transport, "open"), ("session", session, "keeps")):
            if part and not hasattr(part, attribute):
                raise TypeError("%s: not an object of one but %s" % (name, type(part).__name__))


def leave(connection: "Connection") -> "None":
    """Leave the broker, and wait until it has closed, at most a second."""
    connection.check_free()
    connection.leave()
    while connection.state:
        if connection.step() is None:
            connection.wait(LEAVE_WAIT_MS)


def new_transport(client: "Any") -> "Transport":
    """Return the transport that the client's arguments ask for."""
    # To load a module leaves holes in the memory. What is collected at once is filled again; later
    # there would be something that stays in between, and no room for what is large.
    gc.collect()
    transport: "Transport"
    if client.ssl:
        from .transport.tls import TLSTransport

        transport = TLSTransport(client.server, client.port, client.ssl, **client.ssl_params or {})
    else:
        from .transport.tcp import TCPTransport

        transport = TCPTransport(client.server, client.port)
    gc.collect()
    return transport


def check_qos(qos: "int", highest: "int") -> "None":
    """Raise ValueError unless `qos` is an int from 0 to `highest`."""
    if not isinstance(qos, int) or not 0 <= qos <= highest:
        raise ValueError("qos: not an int from 0 to %d" % highest)


def last_will(
    packets: "Packets", topic: "Any", msg: "Payload", retain: "bool" = False, qos: "int" = 0
) -> "tuple[bytes, bytes, bool, int]":
    """Return a last will as `packets.connect` takes it [3.1.2.5]. Raises ValueError for what MQTT forbids."""
    check_qos(qos or 0, 2)
    msg = bytes(payload_bytes(msg))
    if len(msg) > 65535:
        raise ValueError("msg: longer than 65,535 bytes in a last will")
    return packets.topic_name(topic), msg, retain, qos or 0
