"""MQTT 5 on the command line: -V 5 and -D, as mosquitto_pub and mosquitto_sub have them."""

from ..v5 import V5, Options, Topic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSIONS = {"311": False, "mqttv311": False, "5": True, "mqttv5": True}
# For each packet the properties that can be given, with the arguments that they are for.
KNOWN = {
    "connect": {
        "session-expiry-interval": "expiry",
        "receive-maximum": "window",
        "maximum-packet-size": "largest",
        "user-property": "user",
    },
    "publish": {
        "message-expiry-interval": "expiry",
        "content-type": "content",
        "response-topic": "response",
        "correlation-data": "correlation",
        "payload-format-indicator": "text",
        "user-property": "user",
    },
    "subscribe": {"subscription-identifier": "identifier"},
}
NUMBERS = ("expiry", "window", "largest", "text", "identifier")


def read(rest: "list[str]") -> "tuple[str, str, Any]":
    """Take what follows a -D from the arguments: packet, property, value. Return the packet, the argument that the
    property is for, and its value. Raises ValueError for what cannot be."""
    if len(rest) < 3:
        raise ValueError("-D: needs PACKET PROPERTY VALUE")
    packet = rest.pop(0)
    name = rest.pop(0)
    value: "Any" = rest.pop(0)
    if packet not in KNOWN or name not in KNOWN[packet]:
        raise ValueError("-D: %s %s is not supported" % (packet, name))
    argument = KNOWN[packet][name]
    if argument == "user":
        if not rest:
            raise ValueError("-D: user-property needs a name and a value")
        value = (value, rest.pop(0))
    elif argument in NUMBERS:
        if not value.isdigit():
            raise ValueError("-D: %s: %s is no number" % (name, value))
        value = int(value)
    return packet, argument, value


def arguments(options: "dict[str, Any]", packet: "str") -> "dict[str, Any]":
    """Return the arguments for what a packet is made with."""
    found: "dict[str, Any]" = {}
    for where, argument, value in options.get("property", ()):
        if where == packet:
            if argument == "user":
                found.setdefault("user", []).append(value)
            else:
                found[argument] = value
    return found


def packets(options: "dict[str, Any]") -> "V5":
    """Return the V5 that the options ask for; the largest packet may have any size unless they say something."""
    found = arguments(options, "connect")
    found.setdefault("largest", 0)
    return V5(**found)


def topic(options: "dict[str, Any]") -> "Topic":
    """Return the topic to publish to."""
    return Topic(options["topic"][0], **arguments(options, "publish"))


def subscription(options: "dict[str, Any]") -> "int":
    """Return the options of the subscriptions."""
    return Options(options["qos"], **arguments(options, "subscribe"))


def describe(five: "V5") -> "str":
    """Return what the broker has said last about why it refuses something."""
    text = five.properties().get(0x1F, b"")
    return "0x%02x %s" % (five.reason, str(text, "utf-8"))
