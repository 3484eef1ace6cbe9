"""What can be said in a shell: one table of options. MicroPython has no argparse."""

import sys

from ..packets.fields import topic_filter, topic_name
from .five import VERSIONS, read
from .format import compiled
from .report import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    Check = Callable[[str, str], Any]

BOTH = "pub sub"
TLS_PORT = 8883
LARGEST_NUMBER = 1 << 30


def number(least: "int", most: "int") -> "Check":
    """Return what checks the number after an option."""

    def check(name: "str", text: "str") -> "int":
        if not text.isdigit() or not least <= int(text) <= most:
            raise ValueError("%s: %s is not a number from %d to %d" % (name, text, least, most))
        return int(text)

    return check


def seconds(name: "str", text: "str") -> "float":
    """The time after an option; it may have a fraction."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LARGEST_NUMBER:
        raise ValueError("%s: %s is not a number of seconds" % (name, text))
    return value


def publishable(name: "str", text: "str") -> "str":
    """A topic to publish to."""
    try:
        topic_name(text)
    except ValueError:
        raise ValueError("%s: %s is not a topic to publish to: empty, or with + or #" % (name, text))
    return text


def filters(name: "str", text: "str") -> "str":
    """A topic filter."""
    try:
        topic_filter(text)
    except ValueError:
        raise ValueError("%s: %s is not a topic filter: empty, or with + or # in the wrong place" % (name, text))
    return text


def output(name: "str", text: "str") -> "Any":
    """How to print a message."""
    try:
        return compiled(text)
    except ValueError as e:
        raise ValueError("%s: %s" % (name, e))


# Short name, long name, what follows it ("" is nothing), of which commands it is, what it means, what checks the value.
OPTIONS = (
    ("-h", "host", "HOST", BOTH, "the broker's name or address, by default localhost", None),
    ("-p", "port", "PORT", BOTH, "its port, by default 1883, or 8883 with TLS", number(1, 65535)),
    ("-L", "url", "URL", BOTH, "mqtt://[user[:password]@]host[:port]/topic, or mqtts:// for TLS", None),
    ("-t", "topic", "TOPIC", BOTH, "the topic; for sub a topic filter, and there may be more than one -t", None),
    ("-m", "message", "TEXT", "pub", "the message", None),
    ("-n", "null-message", "", "pub", "a message of no bytes", None),
    ("-f", "file", "FILE", "pub", "the message is what is in the file", None),
    ("-s", "stdin-file", "", "pub", "the message is what comes on stdin, to its end", None),
    ("-l", "stdin-line", "", "pub", "a message for each line of stdin, as it comes", None),
    ("-q", "qos", "QOS", BOTH, "0, 1 or 2, by default 0", number(0, 2)),
    ("-r", "retain", "", "pub", "have the broker keep the message", None),
    ("--repeat", "repeat", "N", "pub", "publish the message N times", number(1, LARGEST_NUMBER)),
    ("--repeat-delay", "repeat-delay", "SECONDS", "pub", "the time between two of them, by default 0", seconds),
    ("-C", "count", "N", "sub", "end after N messages", number(1, LARGEST_NUMBER)),
    ("-W", "timeout", "SECONDS", "sub", "end after so long, with exit code 27", number(1, 1 << 20)),
    ("-E", "exit-when-subscribed", "", "sub", "end when the broker has answered the subscriptions", None),
    ("-U", "unsubscribe", "TOPIC", "sub", "a topic filter to unsubscribe from; there may be more than one -U", filters),
    ("-T", "filter-out", "TOPIC", "sub", "do not print messages that match; there may be more than one -T", filters),
    ("-R", "no-retained", "", "sub", "do not print retained messages", None),
    ("--retained-only", "retained-only", "", "sub", "print retained messages alone; end at the first other one", None),
    ("-v", "verbose", "", "sub", "print the topic before each message", None),
    ("-N", "no-newline", "", "sub", "print no newline after each message: the bytes and nothing else", None),
    ("-F", "format", "FORMAT", "sub", "how to print a message, like '%t %p'; see docs/command-line.md", output),
    ("-i", "id", "ID", BOTH, "the client identifier, by default a random one", None),
    ("-c", "disable-clean-session", "", BOTH, "keep the session at the broker, for the next time with this -i", None),
    ("-k", "keepalive", "SECONDS", BOTH, "by default 60", number(0, 65535)),
    ("-u", "username", "NAME", BOTH, "the user's name", None),
    ("-P", "pw", "PASSWORD", BOTH, "and password", None),
    ("--will-topic", "will-topic", "TOPIC", BOTH, "the topic of the last will", publishable),
    ("--will-payload", "will-payload", "TEXT", BOTH, "its message, by default of no bytes", None),
    ("--will-qos", "will-qos", "QOS", BOTH, "its QoS, by default 0", number(0, 2)),
    ("--will-retain", "will-retain", "", BOTH, "have the broker keep it", None),
    ("-V", "protocol-version", "VERSION", BOTH, "311 or 5, by default 311", None),
    ("-D", "property", "PACKET NAME VALUE", BOTH, "with -V 5: a property; there may be more than one -D", None),
    ("--cafile", "cafile", "FILE", BOTH, "TLS; the certificate of the authority that signed the broker's", None),
    ("--cert", "cert", "FILE", BOTH, "TLS; the client's own certificate", None),
    ("--key", "key", "FILE", BOTH, "its private key", None),
    ("--insecure", "insecure", "", BOTH, "TLS, without knowing who the broker is", None),
    ("--quiet", "quiet", "", BOTH, "print no errors and no warnings", None),
    ("-d", "debug", "", BOTH, "print each packet on stderr, without its payload", None),
    ("--help", "help", "", BOTH, "this text", None),
)
LISTS = ("topic", "unsubscribe", "filter-out")  # what may be said more than once
PAYLOADS = ("message", "null-message", "file", "stdin-file", "stdin-line")
FILES = ("cafile", "cert", "key")
SCHEMES = {"mqtt": False, "mqtts": True}  # with TLS or without


def usage(command: "str") -> "str":
    """The help for a command; for both with ""."""
    lines = ["Usage: python -m umqtt2 %s -t TOPIC [options]" % (command or "pub|sub")]
    for short, long, value, commands, text, _ in OPTIONS:
        if command in commands:
            name = short if short == "--" + long else "%s, --%s" % (short, long)
            note = "" if command or commands == BOTH else " (%s)" % commands
            lines.append("  %-30s %s%s" % (name + " " + value, text, note))
    return "\n".join(lines)


def parse(command: "str", arguments: "list[str]") -> "dict[str, Any]":
    """Return what was said, by long name; those of LISTS as lists, files of certificates as their bytes. `tls` and
    `five` say whether TLS and MQTT 5 are wanted. With --help, that alone.

    Raises ValueError for what cannot be.
    """
    said: "dict[str, Any]" = {"host": "localhost", "port": 0, "topic": [], "qos": 0, "keepalive": 60, "tls": False}
    rest = list(arguments)
    while rest:
        name = rest.pop(0)
        long, needs, check = find(command, name)
        if long == "help":
            return {"help": True}
        if needs and not rest:
            raise ValueError("%s: needs a %s" % (name, needs))
        if long == "property":
            said.setdefault("property", []).append(read(command, rest))
            continue
        value: "Any" = rest.pop(0) if needs else True
        if check:
            value = check(name, value)
        if long in LISTS:
            said.setdefault(long, []).append(value)
        elif long == "url":
            take_url(said, value)
        else:
            said[long] = value
    check_version(said)
    check_connection(said)
    (check_pub if command == "pub" else check_sub)(said)
    return said


def find(command: "str", name: "str") -> "tuple[str, str, Check | None]":
    """The long name of an option, what follows it, and what checks that."""
    for short, long, value, commands, _, check in OPTIONS:
        if name in (short, "--" + long) and command in commands:
            return long, value, check
    raise ValueError("%s: unknown to %s; --help tells what there is" % (name, command))


def take_url(said: "dict[str, Any]", url: "str") -> "None":
    """Take what stands in mqtt://[user[:password]@]host[:port]/topic. Nothing in it is percent-decoded."""
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES or not rest:
        raise ValueError("-L: %s does not begin with mqtt:// or mqtts://" % url)
    said["tls"] = SCHEMES[scheme]
    rest, _, topic = rest.partition("/")
    if not topic:
        raise ValueError("-L: %s has no topic; it is mqtt://host/topic" % url)
    said["topic"].append(topic)
    user, at, rest = rest.rpartition("@")
    if at:
        said["username"], colon, password = user.partition(":")
        if colon:
            said["pw"] = password
    host, bracket, port = rest.rpartition("]")  # an IPv6 address stands in brackets
    if bracket:
        host = host[1:]
    else:
        host, _, port = rest.partition(":")
    port = port[1:] if port[:1] == ":" else port
    if not host:
        raise ValueError("-L: %s has no host" % url)
    said["host"] = host
    if port:
        said["port"] = number(1, 65535)("-L", port)


def check_version(said: "dict[str, Any]") -> "None":
    """Set `five`, and raise ValueError for what the version does not have."""
    version = said.pop("protocol-version", "311")
    if version not in VERSIONS:
        raise ValueError("-V: %s is not 311 or 5; umqtt2 does not speak MQTT 3.1" % version)
    said["five"] = VERSIONS[version]
    if "property" in said and not said["five"]:
        raise ValueError("-D: needs -V 5")


def check_connection(said: "dict[str, Any]") -> "None":
    """Set `tls` and the port, read the files, and raise ValueError for what does not go together."""
    if "disable-clean-session" in said and not said.get("id"):
        raise ValueError("-c: needs -i, or nobody could come back to the session")
    if "pw" in said and "username" not in said and not said["five"]:
        raise ValueError("-P: needs -u")
    for name in ("will-payload", "will-qos", "will-retain"):
        if name in said and "will-topic" not in said:
            raise ValueError("--%s: needs --will-topic" % name)
    for name, other in (("cert", "key"), ("key", "cert")):
        if name in said and other not in said:
            raise ValueError("--%s: needs --%s" % (name, other))
    for name in FILES:
        if name in said:
            said["tls"] = True
            said[name] = contents("--" + name, said[name])
    if "insecure" in said or said["port"] == TLS_PORT:
        said["tls"] = True
    said["port"] = said["port"] or (TLS_PORT if said["tls"] else 1883)


def contents(name: "str", file: "str") -> "bytes":
    """Return what is in the file that is given with an option."""
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError as e:
        raise ValueError("%s %s: %s" % (name, file, reason(e)))


def check_pub(said: "dict[str, Any]") -> "None":
    """Raise ValueError for what does not go together in `pub`, and read the file with the message."""
    if not said["topic"]:
        raise ValueError("-t: needed")
    if len(said["topic"]) > 1:
        raise ValueError("-t: only one topic to publish to")
    publishable("-t", said["topic"][0])
    if sum([kind in said for kind in PAYLOADS]) != 1:
        raise ValueError("one of -m, -n, -f, -s and -l: needed")
    if "stdin-line" in said and "repeat" in said:
        raise ValueError("--repeat: not with -l")
    if sys.stdin is None and ("stdin-file" in said or "stdin-line" in said):
        raise ValueError("stdin: is closed")
    if "file" in said:
        said["message"] = contents("-f", said["file"])


def check_sub(said: "dict[str, Any]") -> "None":
    """Raise ValueError for what does not go together in `sub`."""
    if not said["topic"]:
        raise ValueError("-t: needed")
    for topic in said["topic"]:
        filters("-t", topic)
    if sys.stdout is None:
        raise ValueError("stdout: is closed")
    if "no-retained" in said and "retained-only" in said:
        raise ValueError("-R: not with --retained-only")
