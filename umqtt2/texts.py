"""Error numbers in words, and what to do about them. Loaded when an exception is printed; a build may leave it out."""

from errno import ECONNRESET

from .connection import UP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The name of each number in `umqtt2.errno`, what has happened, and what to do about it.
ERRORS = {
    -1: "EUNKNOWN",
    1: "ECONCLOSE: the broker closed the connection; its log says why. Has another client this client_id?",
    2: "EREADLEN",
    3: "EWRITELEN",
    4: "ESTRTOLONG, SOVERSIZE: a message was larger than max_packet",
    6: "ERESPONSE: what the broker sent is not MQTT; is it the right port?",
    7: "EKEEPALIVE: no answer to a ping; call check_msg() often, or the network is gone",
    8: "ENOCON",
    20: "ECONUNKNOWN: the broker refused the connection; its log says why",
    21: "ECONPROTOCOL: the broker does not speak this version of MQTT",
    22: "ECONREJECT: the broker does not accept the client_id, or the keepalive (0, or above its max_keepalive)",
    23: "ECONUNAVAIBLE: the broker is not available; try again later",
    24: "ECONCREDENTIALS: user or password is wrong",
    25: "ECONAUTH: this client is not authorized; check user and password, and the broker's access list",
    28: "ECONNOT: not connected; connect() first",
    29: "ECONLENGTH: what answered is not an MQTT broker; is it the right port?",
    30: "ECONTIMEOUT: the broker does not answer within socket_timeout; check port and TLS, or give it more time",
    40: "ESUBACKUNKNOWN",
    44: "ESUBACKFAIL: the broker refused it; check its access list",
    50: "EFULL: too many messages wait; call check_msg() between publishes",
    51: "ESTORE: the session store cannot write; make room on the flash",
    52: "ELIMIT: the broker does not take a message of this size, QoS or retain",
    53: "EBUSY: amid another call (interrupt, thread), or connected twice; try again later",
}

# What the transport says besides the number of an OSError.
RESET = "is it a port for TLS? Then ssl=True"

# What MicroPython says of a certificate, and what to do about it.
CERTIFICATES = (
    ("in the future", "set the clock, as ntptime.settime() does"),
    ("has expired", "is the clock right? If so, the broker needs a new one"),
    ("correctly signed", "cadata is not of the authority that signed it"),
    ("Common Name", "server, or server_hostname, is not the name in it"),
)


def describe(args: "tuple[Any, ...]") -> "str":
    """Return number, name and advice for the `args` of an MQTTException, and what else they have; a reason code of
    MQTT 5 in hexadecimal."""
    if args == (ECONNRESET,):  # not an error of MQTT: what stands in an OSError that TCPTransport raises
        return RESET
    text = str(args[0]) if args else ""
    if args and args[0] in ERRORS:
        text += " " + ERRORS[args[0]]
    for more in args[1:]:
        text += " (0x%02x)" % more if isinstance(more, int) and more > 127 else " (%s)" % more
    return text


def certificate(text: "str") -> "str":
    """Return what MicroPython says of a certificate that does not verify in one line, with what to do."""
    text = text.replace("\n\n", "; ")  # between two of its sentences
    for part, advice in CERTIFICATES:
        if part in text:
            text += "; " + advice
    return text


def shown(client: "Any") -> "str":
    """Return what `repr` of a client is: identifier, server, state, and the last error, if there was one."""
    state = getattr(client, "connection", client).state  # in the build `aio` the client is its connection
    words = "connected" if state == UP else "connecting or leaving" if state else "not connected"
    error = getattr(client, "last_error", None)
    if error:
        words = "%s, last error: %s" % (words, error)
    return "MQTTClient(%r, %r, %d): %s" % (client.client_id, client.server, client.port, words)
