"""`sub -F`: how to print a message, in the words of mosquitto_sub."""

import json
import sys
import time
from binascii import hexlify

from .. import properties as names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Part = tuple[str, str, str, int, int]

ESCAPES = {"0": "\0", "a": "\a", "e": "\x1b", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
PROPERTIES = {
    "A": names.TOPIC_ALIAS,
    "C": names.CONTENT_TYPE,
    "D": names.CORRELATION_DATA,
    "E": names.MESSAGE_EXPIRY,
    "F": names.PAYLOAD_FORMAT,
    "P": names.USER_PROPERTY,
    "R": names.RESPONSE_TOPIC,
    "S": names.SUBSCRIPTION_IDENTIFIER,
}
FIELDS = "lmqrtpxXjJIU" + "".join(PROPERTIES)
CLOCK = "YymdHMSjFTDRsNz"
SECOND = 1000000000  # nanoseconds
JSON_OPTIONS: "dict[str, Any]" = {"ensure_ascii": False} if sys.implementation.name == "cpython" else {}


class Message:
    """A message as it has come.

    when        nanoseconds since 1970
    mid         the packet identifier, 0 at QoS 0
    properties  as `V5.properties()` has them
    """

    def __init__(
        self, topic: "bytes", payload: "bytes", qos: "int", retain: "bool", mid: "int", properties: "dict[int, Any]"
    ) -> "None":
        self.when = time.time_ns()
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.mid = mid
        self.properties = properties


def compiled(text: "str") -> "list[Part]":
    """Return the parts of a format: a kind ("" is the text that follows), a letter or text, "-" or "0" or "", the width
    and the precision (-1 is none). Raises ValueError for what is not known."""
    parts: "list[Part]" = []
    plain = ""
    i = 0
    while i < len(text):
        kind = text[i]
        i += 1
        if kind not in "%@\\":
            plain += kind
            continue
        flag, width, precision, i = modifiers(text, i) if kind == "%" else ("", 0, -1, i)
        letter = text[i : i + 1]
        i += 1
        if kind == "\\" and letter in ESCAPES:
            plain += ESCAPES[letter]
        elif letter == kind:
            plain += kind
        elif not letter or letter not in {"%": FIELDS, "@": CLOCK, "\\": ""}[kind]:
            raise ValueError("%s%s is not known" % (kind, letter))
        else:
            parts.append(("", plain, "", 0, -1))
            parts.append((kind, letter, flag, width, precision))
            plain = ""
    parts.append(("", plain, "", 0, -1))
    return parts


def modifiers(text: "str", i: "int") -> "tuple[str, int, int, int]":
    """Read what may stand between % and its letter, as in %-20.10t; return flag, width, precision, and the index of the
    letter."""
    flag = text[i : i + 1]
    if flag in ("-", "0"):
        i += 1
    else:
        flag = ""
    width, i = digits(text, i)
    precision = -1
    if text[i : i + 1] == ".":
        precision, i = digits(text, i + 1)
    return flag, width, precision, i


def digits(text: "str", i: "int") -> "tuple[int, int]":
    """Read a number; 0 for none. Return it and the index after it."""
    value = 0
    while i < len(text) and text[i].isdigit():
        value = value * 10 + int(text[i])
        i += 1
    return value, i


def printed(parts: "list[Part]", message: "Message") -> "bytes":
    """Return a message in its format. Raises ValueError for %J with a payload that is not JSON."""
    made = b""
    for kind, letter, flag, width, precision in parts:
        if not kind:
            made += letter.encode()
        elif kind == "@":
            made += clock(letter, message.when).encode()
        else:
            value = field(letter, message)
            if letter not in "lmqrp" and precision >= 0:
                value = value[:precision]
            missing = width - len(value)
            if missing > 0:
                filler = (b"0" if flag == "0" and letter in "lm" else b" ") * missing
                value = value + filler if flag == "-" else filler + value
            made += value
    return made


def field(letter: "str", message: "Message") -> "bytes":
    """Return what a letter after % stands for."""
    if letter == "p":
        return message.payload
    if letter == "t":
        return message.topic
    if letter in "xX":
        value = hexlify(message.payload)
        return value.upper() if letter == "X" else value
    if letter in "jJ":
        return as_json(message, letter == "j").encode()
    if letter in PROPERTIES:
        return property_text(message.properties.get(PROPERTIES[letter], b""))
    if letter == "I":
        return (clock("F", message.when) + "T" + clock("T", message.when) + clock("z", message.when)).encode()
    if letter == "U":
        return ("%d.%09d" % (message.when // SECOND, message.when % SECOND)).encode()
    numbers = {"l": len(message.payload), "m": message.mid, "q": message.qos, "r": int(message.retain)}
    return str(numbers[letter]).encode()


def property_text(value: "Any") -> "bytes":
    """Return a property as a text: user properties as name:value, several with spaces between them."""
    if isinstance(value, list):
        return b" ".join([b":".join(item) if isinstance(item, tuple) else str(item).encode() for item in value])
    return str(value).encode() if isinstance(value, int) else value


def as_json(message: "Message", quote: "bool") -> "str":
    """Return a message as JSON, with the payload as a string, or, without `quote`, as the JSON that it is."""
    if quote:
        payload = quoted(message.payload)
    else:
        try:
            payload = str(message.payload, "utf-8")
            json.loads(payload)
        except ValueError:
            raise ValueError("%s: the message is not JSON" % text_of(message.topic))
    when = message.when
    stamp = "%sT%s.%06dZ%s" % (clock("F", when), clock("T", when), when % SECOND // 1000, clock("z", when))
    pairs = [("tst", quoted(stamp)), ("topic", quoted(message.topic))]
    pairs += [("qos", str(message.qos)), ("retain", str(int(message.retain)))]
    pairs += [("payloadlen", str(len(message.payload)))]
    if message.mid:
        pairs.append(("mid", str(message.mid)))
    if message.properties:
        pairs.append(("properties", properties_json(message.properties)))
    return bracketed(pairs + [("payload", payload)])


def properties_json(found: "dict[int, Any]") -> "str":
    """Return the properties of a message as JSON, with the names of MQTT 5."""
    pairs: "list[tuple[str, str]]" = []
    for name, number in (
        ("subscription-identifier", names.SUBSCRIPTION_IDENTIFIER),
        ("content-type", names.CONTENT_TYPE),
        ("correlation-data", names.CORRELATION_DATA),
        ("payload-format-indicator", names.PAYLOAD_FORMAT),
        ("user-properties", names.USER_PROPERTY),
        ("response-topic", names.RESPONSE_TOPIC),
        ("message-expiry-interval", names.MESSAGE_EXPIRY),
    ):
        value = found.get(number)
        if number == names.USER_PROPERTY and value:
            pairs.append((name, bracketed([(text_of(key), quoted(text)) for key, text in value])))
        elif number == names.SUBSCRIPTION_IDENTIFIER and value:
            pairs.append((name, str(value[0])))
        elif value is not None:
            pairs.append((name, str(value) if isinstance(value, int) else quoted(value)))
    return bracketed(pairs)


def bracketed(pairs: "list[tuple[str, str]]") -> "str":
    """Return a JSON object with these names and values, which are JSON already. MicroPython's dict has no order."""
    return "{" + ",".join([quoted(name) + ":" + value for name, value in pairs]) + "}"


def quoted(value: "str | bytes") -> "str":
    """Return a text as a JSON string."""
    return json.dumps(value if isinstance(value, str) else text_of(value), **JSON_OPTIONS)


def text_of(data: "bytes") -> "str":
    """Return bytes as a text; where they are not valid UTF-8, each byte is the character with its number."""
    try:
        return str(data, "utf-8")
    except ValueError:
        return "".join([chr(byte) for byte in data])


def clock(letter: "str", when: "int") -> "str":
    """Return what a letter after @ stands for, as strftime has it, in local time; N is nanoseconds."""
    second = when // SECOND
    year, month, day, hour, minute, sec, _, yearday = time.localtime(second)[:8]
    if letter == "z":
        there = time.gmtime(second)
        minutes = (hour - there[3]) * 60 + minute - there[4] + 1440 * ((day > there[2]) - (day < there[2]))
        if abs(day - there[2]) > 1:  # the first and the last day of a month
            minutes += 2880 if minutes < 0 else -2880
        return "%s%02d%02d" % ("-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60)
    return {
        "Y": "%04d" % year,
        "y": "%02d" % (year % 100),
        "m": "%02d" % month,
        "d": "%02d" % day,
        "H": "%02d" % hour,
        "M": "%02d" % minute,
        "S": "%02d" % sec,
        "j": "%03d" % yearday,
        "F": "%04d-%02d-%02d" % (year, month, day),
        "T": "%02d:%02d:%02d" % (hour, minute, sec),
        "D": "%02d/%02d/%02d" % (month, day, year % 100),
        "R": "%02d:%02d" % (hour, minute),
        "s": str(second),
        "N": "%09d" % (when % SECOND),
    }[letter]
