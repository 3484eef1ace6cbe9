"""MQTT 5 on the command line: -V 5 and -D, as mosquitto_pub and mosquitto_sub have them."""

from ..packets.fields import topic_name
from ..v5 import V5, Options, Topic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSIONS = {"311": False, "mqttv311": False, "5": True, "mqttv5": True}
# For each packet the properties that can be given, with the arguments that they are for.
OF_MESSAGES = {
    "message-expiry-interval": "expiry",
    "content-type": "content",
    "response-topic": "response",
    "correlation-data": "correlation",
    "payload-format-indicator": "text",
    "user-property": "user",
}
KNOWN = {
    "connect": {
        "session-expiry-interval": "expiry",
        "receive-maximum": "window",
        "maximum-packet-size": "largest",
        "user-property": "user",
    },
    "publish": OF_MESSAGES,
    "will": dict(OF_MESSAGES, **{"will-delay-interval": "delay"}),
    "subscribe": {"subscription-identifier": "identifier"},
}
COMMANDS = {"publish": "pub", "subscribe": "sub"}  # the only command that sends a packet
NUMBERS = ("expiry", "window", "largest", "text", "delay", "identifier")


def read(command: "str", rest: "list[str]") -> "tuple[str, str, Any]":
    """Take what follows a -D from the arguments of a command: packet, property, value. Return the packet, the argument
    that the property is for, and its value. Raises ValueError for what cannot be."""
    if len(rest) < 3:
        raise ValueError("-D: needs PACKET PROPERTY VALUE")
    packet = rest.pop(0)
    name = rest.pop(0)
    value: "Any" = rest.pop(0)
    if packet not in KNOWN or name not in KNOWN[packet]:
        raise ValueError("-D: %s %s is not supported" % (packet, name))
    if COMMANDS.get(packet, command) != command:
        raise ValueError("-D: %s is for %s" % (packet, COMMANDS[packet]))
    argument = KNOWN[packet][name]
    if argument == "user":
        if not rest:
            raise ValueError("-D: user-property needs a name and a value")
        value = (value, rest.pop(0))
    elif argument in NUMBERS:
        if not value.isdigit():
            raise ValueError("-D: %s: %s is not a number" % (name, value))
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


def valid_response(topic: "str") -> "None":
    """Raise ValueError, with the name of the argument, unless somebody can publish to it."""
    try:
        topic_name(topic)
    except ValueError:
        raise ValueError("response")


def made(options: "dict[str, Any]", packet: "str", make: "Any", *first: "Any", **more: "Any") -> "Any":
    """Return what is made with the properties for a packet. Raises ValueError with the name of one that is wrong."""
    more.update(arguments(options, packet))
    try:
        if "response" in more:
            valid_response(more["response"])
        return make(*first, **more)
    except ValueError as e:
        for name in KNOWN[packet]:
            if KNOWN[packet][name] == str(e).partition(":")[0]:
                raise ValueError("-D: %s: not allowed" % name)
        raise


def packets(options: "dict[str, Any]") -> "V5":
    """Return the V5 that the options ask for; the largest packet may have any size unless they say something."""
    return made(options, "connect", V5, largest=0)  # type: ignore[no-any-return]


def topic(options: "dict[str, Any]") -> "Topic":
    """Return the topic to publish to."""
    return made(options, "publish", Topic, options["topic"][0])  # type: ignore[no-any-return]


def will(options: "dict[str, Any]") -> "Topic":
    """Return the topic of the last will."""
    return made(options, "will", Topic, options["will-topic"])  # type: ignore[no-any-return]


def subscription(options: "dict[str, Any]") -> "int":
    """Return the options of the subscriptions."""
    return made(options, "subscribe", Options, options["qos"])  # type: ignore[no-any-return]


def describe(five: "V5") -> "str":
    """Return what the broker has said last about why it refuses something."""
    text = five.properties().get(0x1F, b"")
    return "0x%02x %s" % (five.reason, str(text, "utf-8"))
