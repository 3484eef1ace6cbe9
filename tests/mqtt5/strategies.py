"""Hypothesis strategies for the packets of MQTT 5, as dicts: see `tests.mqtt5.other`.

    CLIENT[kind]        packets that a client may send
    SERVER[kind]        packets that a server may send
    properties(packet)  properties that a packet may have; `packet` as in TABLE

What mqtt-packet 9 cannot do is left out, and said below.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from umqtt2.testing.properties import KINDS, NOT_ZERO

# The properties of each packet, from its own section of the standard: KINDS is from the table in section 2.2.2.2, and
# each checks the other.
TABLE = {
    "1": (17, 33, 39, 34, 25, 23, 38, 21, 22),
    "w": (24, 1, 2, 3, 8, 9, 38),
    "2": (17, 33, 36, 37, 39, 18, 34, 31, 38, 40, 41, 42, 19, 26, 28, 21, 22),
    "3": (1, 2, 35, 8, 9, 38, 11, 3),
    **dict.fromkeys("45679b", (31, 38)),
    "8": (11, 38),
    "a": (38,),
    "e": (17, 31, 38, 28),
    "f": (21, 22, 31, 38),
}

LONGEST = 200  # bytes of a string: more than one byte of a length, and still short

# All that MQTT allows in a string: no surrogates, no U+0000.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
# mqtt-packet keeps user properties in an object, where this name means something else.
names = st.text(characters, max_size=20).filter(lambda name: name != "__proto__")
texts = st.text(characters, max_size=20)
strings = texts.map(str.encode) | st.integers(100, LONGEST).map(lambda n: b"x" * n)
binaries = st.binary(max_size=20) | st.integers(100, LONGEST).map(lambda n: b"\xff" * n)
payloads = binaries | st.sampled_from([127, 128, 16383, 16384]).map(lambda n: b"p" * n)
packet_ids = st.integers(1, 65535)


def _is_name(topic: str) -> bool:
    return topic != "" and not set(topic) & set("+#")


topics = texts.filter(_is_name).map(str.encode)
_levels = st.lists(texts.filter(_is_name) | st.just("+"), min_size=1, max_size=4)
plain_filters = st.tuples(_levels, st.sampled_from(["", "/#", "/"])).map(lambda pair: "/".join(pair[0]) + pair[1])
filters = (plain_filters.filter(lambda topic: not topic.startswith("$share/")) | st.just("#")).map(str.encode)
shared_filters = filters.map(lambda topic: b"$share/group/" + topic)


def _user_properties() -> st.SearchStrategy[list[tuple[bytes, bytes]]]:
    # mqtt-packet forgets an empty value when the same name comes again.
    values = texts.filter(bool)
    pairs = st.lists(st.tuples(names, values) | st.tuples(st.just("k"), values), min_size=1, max_size=4)
    return pairs.map(lambda found: [(name.encode(), value.encode()) for name, value in found])


def _value(number: int, several: bool) -> st.SearchStrategy[Any]:
    kind = KINDS[number][0]
    least = 1 if number in NOT_ZERO else 0
    if number == 8:
        return topics
    if kind == "v":
        one = st.integers(1, 268435455) | st.sampled_from([127, 128, 16383, 16384])
        return st.lists(one, min_size=1, max_size=3 if several else 1)
    if kind == "p":
        return _user_properties()
    if kind in "sd":
        return binaries if kind == "d" else strings
    return st.integers(least, 1 if kind == "b" else (1 << 8 * int(kind)) - 1)


def properties(packet: str, leave_out: tuple[int, ...] = ()) -> st.SearchStrategy[dict[int, Any]]:
    """Properties that a packet may have, in any order."""
    # Authentication data needs a method.
    allowed = [n for n in TABLE[packet] if n not in leave_out and n != 22]
    numbers = st.lists(st.sampled_from(allowed), unique=True, max_size=len(allowed))

    def with_data(chosen: list[int]) -> st.SearchStrategy[dict[int, Any]]:
        if 21 in chosen:
            chosen = [*chosen, 22]
        return st.fixed_dictionaries({n: _value(n, packet == "3") for n in chosen})

    return numbers.flatmap(with_data)


def _packets(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"kind": st.just(kind), **fields})


def _publish(leave_out: tuple[int, ...]) -> st.SearchStrategy[dict[str, Any]]:
    def finish(packet: dict[str, Any]) -> dict[str, Any]:
        if not packet["qos"]:
            packet = {**packet, "dup": False, "pid": 0}
        if 35 in packet["properties"] and packet.pop("hidden"):
            packet["topic"] = b""  # an alias stands for it
        packet.pop("hidden", None)
        return packet

    return _packets(
        "publish",
        topic=topics,
        payload=payloads,
        qos=st.integers(0, 2),
        retain=st.booleans(),
        dup=st.booleans(),
        pid=packet_ids,
        properties=properties("3", leave_out),
        hidden=st.booleans(),
    ).map(finish)


def _connect() -> st.SearchStrategy[dict[str, Any]]:
    def finish(packet: dict[str, Any]) -> dict[str, Any]:
        if not packet["client_id"]:
            packet = {**packet, "clean": True}  # mqtt-packet asks for that, as 3.1.1 did
        if packet["user"] is None:
            packet = {**packet, "password": None}  # likewise
        if packet["will"] is None:
            packet = {**packet, "will_properties": {}}
        return packet

    return _packets(
        "connect",
        client_id=strings,
        clean=st.booleans(),
        keepalive=st.integers(0, 65535),
        user=st.none() | strings,
        password=st.none() | binaries,
        will=st.none() | st.tuples(topics, binaries, st.integers(0, 2), st.booleans()),
        properties=properties("1"),
        will_properties=properties("w"),
    ).map(finish)


def _subscribe() -> st.SearchStrategy[dict[str, Any]]:
    options = st.builds(
        lambda qos, flags, handling: qos | flags << 2 | handling << 4,
        st.integers(0, 2),
        st.integers(0, 3),
        st.integers(0, 2),
    )
    one = st.tuples(filters, options) | st.tuples(shared_filters, options.map(lambda byte: byte & ~4))
    return _packets(
        "subscribe", pid=packet_ids, filters=st.lists(one, min_size=1, max_size=4), properties=properties("8")
    )


def _unsubscribe() -> st.SearchStrategy[dict[str, Any]]:
    wanted = st.lists(filters | shared_filters, min_size=1, max_size=4)
    return _packets("unsubscribe", pid=packet_ids, filters=wanted, properties=properties("a"))


PUBACK_CODES = (0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99)
PUBREL_CODES = (0x00, 0x92)
SUBACK_CODES = (0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2)
UNSUBACK_CODES = (0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91)
CONNACK_CODES = (0x00, *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F)
CLIENT_DISCONNECT_CODES = (
    0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
)  # fmt: skip
SERVER_DISCONNECT_CODES = (
    0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, *range(0x93, 0xA3),
)  # fmt: skip
AUTH_CODES = (0x00, 0x18, 0x19)


def _acks() -> dict[str, st.SearchStrategy[dict[str, Any]]]:
    kinds = {"puback": PUBACK_CODES, "pubrec": PUBACK_CODES, "pubrel": PUBREL_CODES, "pubcomp": PUBREL_CODES}
    return {
        kind: _packets(kind, pid=packet_ids, code=st.sampled_from(codes), properties=properties(digit))
        for digit, (kind, codes) in zip("4567", kinds.items())
    }


def _sub_acks() -> dict[str, st.SearchStrategy[dict[str, Any]]]:
    kinds = {"suback": SUBACK_CODES, "unsuback": UNSUBACK_CODES}
    return {
        kind: _packets(
            kind,
            pid=packet_ids,
            codes=st.lists(st.sampled_from(codes), min_size=1, max_size=4),
            properties=properties(digit),
        )
        for digit, (kind, codes) in zip("9b", kinds.items())
    }


def _connack() -> st.SearchStrategy[dict[str, Any]]:
    def finish(packet: dict[str, Any]) -> dict[str, Any]:
        return {**packet, "present": False} if packet["code"] else packet

    codes = st.just(0) | st.sampled_from(CONNACK_CODES)
    return _packets("connack", present=st.booleans(), code=codes, properties=properties("2")).map(finish)


AUTH = _packets("auth", code=st.sampled_from(AUTH_CODES), properties=properties("f"))

CLIENT = {
    "connect": _connect(),
    "publish": _publish((11,)),
    **_acks(),
    "subscribe": _subscribe(),
    "unsubscribe": _unsubscribe(),
    "pingreq": _packets("pingreq"),
    "disconnect": _packets(
        "disconnect", code=st.sampled_from(CLIENT_DISCONNECT_CODES), properties=properties("e", (28,))
    ),
    "auth": AUTH,
}
SERVER = {
    "connack": _connack(),
    "publish": _publish(()),
    **_acks(),
    **_sub_acks(),
    "pingresp": _packets("pingresp"),
    "disconnect": _packets(
        "disconnect", code=st.sampled_from(SERVER_DISCONNECT_CODES), properties=properties("e", (17,))
    ),
    "auth": AUTH,
}
