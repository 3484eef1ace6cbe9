"""What can be said in a shell. MicroPython has no argparse."""

from .five import VERSIONS, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BOTH = "pub sub"
# Short name, long name, what follows it ("" is nothing), of which commands it is, what it means.
OPTIONS = (
    ("-h", "host", "HOST", BOTH, "the broker's name or address, by default localhost"),
    ("-p", "port", "PORT", BOTH, "its port, by default 1883, or 8883 with TLS"),
    ("-t", "topic", "TOPIC", BOTH, "the topic; for sub a topic filter, and there may be more than one -t"),
    ("-m", "message", "TEXT", "pub", "the message"),
    ("-n", "null-message", "", "pub", "a message of no bytes"),
    ("-s", "stdin-file", "", "pub", "the message is what comes on stdin, to its end"),
    ("-q", "qos", "QOS", BOTH, "0, 1 or 2, by default 0"),
    ("-r", "retain", "", "pub", "have the broker keep the message"),
    ("-C", "count", "N", "sub", "end after N messages"),
    ("-W", "timeout", "SECONDS", "sub", "end after so long, with exit code 27"),
    ("-v", "verbose", "", "sub", "print the topic before each message"),
    ("-N", "no-newline", "", "sub", "print no newline after each message: the bytes and nothing else"),
    ("-i", "id", "ID", BOTH, "the client identifier, by default a random one"),
    ("-k", "keepalive", "SECONDS", BOTH, "by default 60"),
    ("-u", "username", "NAME", BOTH, "the user's name"),
    ("-P", "pw", "PASSWORD", BOTH, "and password"),
    ("-V", "protocol-version", "VERSION", BOTH, "311 or 5, by default 311"),
    ("-D", "property", "PACKET NAME VALUE", BOTH, "with -V 5: a property; there may be more than one -D"),
    ("--cafile", "cafile", "FILE", BOTH, "TLS; the certificate of the authority that signed the broker's"),
    ("--cert", "cert", "FILE", BOTH, "TLS; the client's own certificate"),
    ("--key", "key", "FILE", BOTH, "its private key"),
    ("--insecure", "insecure", "", BOTH, "TLS, without knowing who the broker is"),
    ("--help", "help", "", BOTH, "this text"),
)
NUMBERS = {"port": 65535, "qos": 2, "count": 1 << 30, "timeout": 1 << 20, "keepalive": 65535}  # the largest


def usage(command: "str") -> "str":
    """The help for a command; for both with ""."""
    lines = ["Usage: python -m umqtt2 %s -t TOPIC [options]" % (command or "pub|sub")]
    for short, long, value, commands, text in OPTIONS:
        if command in commands:
            name = short if short == "--" + long else "%s, --%s" % (short, long)
            note = "" if command or commands == BOTH else " (%s)" % commands
            lines.append("  %-28s %s%s" % (name + " " + value, text, note))
    return "\n".join(lines)


def parse(command: "str", arguments: "list[str]") -> "dict[str, Any]":
    """Return what was said, by long name; `topic` as a list. With --help, that alone.

    Raises ValueError for what cannot be.
    """
    said: "dict[str, Any]" = {"host": "localhost", "topic": [], "qos": 0, "keepalive": 60}
    rest = list(arguments)
    while rest:
        name = rest.pop(0)
        long, needs = find(command, name)
        if long == "help":
            return {"help": True}
        if needs and not rest:
            raise ValueError("%s: needs a %s" % (name, needs))
        if long == "property":
            said.setdefault("property", []).append(read(command, rest))
            continue
        value: "Any" = rest.pop(0) if needs else True
        if long == "topic":
            said["topic"].append(value)
        elif long in NUMBERS:
            said[long] = number(name, value, NUMBERS[long])
        else:
            said[long] = value
    check(command, said)
    return said


def check(command: "str", said: "dict[str, Any]") -> "None":
    """Raise ValueError for what does not go together."""
    version = said.pop("protocol-version", "311")
    if version not in VERSIONS:
        raise ValueError("-V: 311 or 5")
    if VERSIONS[version]:
        said["five"] = True
    elif "property" in said:
        raise ValueError("-D: needs -V 5")
    if not said["topic"]:
        raise ValueError("-t: needed")
    if command == "pub" and len(said["topic"]) > 1:
        raise ValueError("-t: only one topic to publish to")
    if command == "pub" and sum(kind in said for kind in ("message", "null-message", "stdin-file")) != 1:
        raise ValueError("one of -m, -n and -s: needed")


def find(command: "str", name: "str") -> "tuple[str, str]":
    """The long name of an option, and what follows it."""
    for short, long, value, commands, _ in OPTIONS:
        if name in (short, "--" + long) and command in commands:
            return long, value
    raise ValueError("%s: unknown to %s; --help tells what there is" % (name, command))


def number(name: "str", text: "str", largest: "int") -> "int":
    """The number after an option."""
    if not text.isdigit() or int(text) > largest:
        raise ValueError("%s: %s is no number from 0 to %d" % (name, text, largest))
    return int(text)
