"""The properties of MQTT 5, as the fake broker checks and writes them [2.2.2].

A dict stands for them: from the number of a property to its value, an int, bytes, or for what may be there more than
once, a list: of pairs of bytes for user properties (38), of ints for subscription identifiers (11).
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# For each property: how its value is written, and the packets that may have it, each by the first digit of its first
# byte in hex; w stands for a will.
#   b a byte that is 0 or 1    2, 4 an int of so many bytes    v a variable byte integer
#   s a string    d binary data    p a pair of strings
KINDS = {
    1: ("b", "3w"),  # Payload Format Indicator
    2: ("4", "3w"),  # Message Expiry Interval
    3: ("s", "3w"),  # Content Type
    8: ("s", "3w"),  # Response Topic
    9: ("d", "3w"),  # Correlation Data
    11: ("v", "38"),  # Subscription Identifier
    17: ("4", "12e"),  # Session Expiry Interval
    18: ("s", "2"),  # Assigned Client Identifier
    19: ("2", "2"),  # Server Keep Alive
    21: ("s", "12f"),  # Authentication Method
    22: ("d", "12f"),  # Authentication Data
    23: ("b", "1"),  # Request Problem Information
    24: ("4", "w"),  # Will Delay Interval
    25: ("b", "1"),  # Request Response Information
    26: ("s", "2"),  # Response Information
    28: ("s", "2e"),  # Server Reference
    31: ("s", "245679bef"),  # Reason String
    33: ("2", "12"),  # Receive Maximum
    34: ("2", "12"),  # Topic Alias Maximum
    35: ("2", "3"),  # Topic Alias
    36: ("b", "2"),  # Maximum QoS
    37: ("b", "2"),  # Retain Available
    38: ("p", "123456789abefw"),  # User Property
    39: ("4", "12"),  # Maximum Packet Size
    40: ("b", "2"),  # Wildcard Subscription Available
    41: ("b", "2"),  # Subscription Identifier Available
    42: ("b", "2"),  # Shared Subscription Available
}
NOT_ZERO = (11, 33, 35, 39)


def require(condition: "object", text: "str") -> "None":
    """Fail the test, because of bytes that nobody may send."""
    if not condition:
        raise AssertionError(text)


def read_int(data: "bytes", i: "int", size: "int") -> "tuple[int, int]":
    """Return the integer of `size` bytes at `i`, and the index after it."""
    require(i + size <= len(data), "cut short")
    return int.from_bytes(data[i : i + size], "big"), i + size


def read_varint(data: "bytes", i: "int") -> "tuple[int, int]":
    """Return the variable byte integer at `i`, and the index after it [1.5.5]."""
    value = shift = 0
    while True:
        digit, i = read_int(data, i, 1)
        value |= (digit & 127) << shift
        if digit < 128:
            require(digit or not shift, "a variable byte integer with more bytes than it needs")
            return value, i
        shift += 7
        require(shift < 28, "a variable byte integer of more than four bytes")


def read_binary(data: "bytes", i: "int") -> "tuple[bytes, int]":
    """Return the binary data at `i`, and the index after it [1.5.6]."""
    size, i = read_int(data, i, 2)
    require(i + size <= len(data), "cut short")
    return bytes(data[i : i + size]), i + size


def read_string(data: "bytes", i: "int") -> "tuple[bytes, int]":
    """Return the string at `i`, as bytes, and the index after it [1.5.4]."""
    value, i = read_binary(data, i)
    try:
        str(value, "utf-8")
    except ValueError:
        raise AssertionError("not UTF-8")
    require(b"\0" not in value, "U+0000 in a string")
    return value, i


def decode_properties(data: "bytes", packet: "str" = "") -> "dict[int, Any]":
    """Return the properties in `data`, which is what follows their length.

    packet  the packet that they are in, as in KINDS; empty, not known

    Raises AssertionError for what MQTT does not allow.
    """
    found: "dict[int, Any]" = {}
    i = 0
    while i < len(data):
        number, i = read_varint(data, i)
        require(number in KINDS, "property %d: there is none" % number)
        kind, packets = KINDS[number]
        require(not packet or packet in packets, "property %d: not in this packet" % number)
        value: "Any"
        if kind == "s":
            value, i = read_string(data, i)
        elif kind == "d":
            value, i = read_binary(data, i)
        elif kind == "v":
            value, i = read_varint(data, i)
        elif kind == "p":
            name, i = read_string(data, i)
            text, i = read_string(data, i)
            value = (name, text)
        else:
            value, i = read_int(data, i, 1 if kind == "b" else int(kind))
            require(kind != "b" or value in (0, 1), "property %d: not 0 or 1" % number)
        require(value or number not in NOT_ZERO, "property %d: is 0" % number)
        if number in (11, 38):
            found.setdefault(number, []).append(value)
        else:
            require(number not in found, "property %d: twice" % number)
            found[number] = value
    require(packet != "8" or len(found.get(11, ())) < 2, "property 11: twice")
    require(22 not in found or 21 in found, "property 22: without property 21")
    return found


def read_properties(data: "bytes", i: "int", packet: "str") -> "tuple[bytes, int]":
    """Return the properties at `i`, checked, as the bytes after their length, and the index after them."""
    size, i = read_varint(data, i)
    require(i + size <= len(data), "cut short")
    found = bytes(data[i : i + size])
    decode_properties(found, packet)
    return found, i + size


def varint(value: "int") -> "bytes":
    """Return a variable byte integer [1.5.5]."""
    out = b""
    while value > 127:
        out += bytes((value & 127 | 128,))
        value >>= 7
    return out + bytes((value,))


def string(value: "str | bytes") -> "bytes":
    """Return a string or binary data with its length before it."""
    value = value.encode() if isinstance(value, str) else value
    return len(value).to_bytes(2, "big") + value


def encode_properties(properties: "dict[int, Any] | bytes") -> "bytes":
    """Return properties as the bytes after their length; what is bytes already as it is.

    Texts may be str or bytes. Nothing is checked: a test may want what MQTT forbids.
    """
    if not isinstance(properties, dict):
        return properties
    out = b""
    for number, value in properties.items():
        kind = KINDS[number][0]
        for one in value if isinstance(value, list) else [value]:
            out += bytes((number,))
            if kind == "p":
                out += string(one[0]) + string(one[1])
            elif kind in "sd":
                out += string(one)
            elif kind == "v":
                out += varint(one)
            else:
                out += one.to_bytes(1 if kind == "b" else int(kind), "big")
    return out
