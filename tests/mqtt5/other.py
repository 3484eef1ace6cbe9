"""mqtt-packet, an encoder and decoder of MQTT 5 that is not ours, in a process of its own.

Packets are dicts, the same for every encoder and decoder that is tested; strings are bytes:

    kind        what it is: "connect", "puback" ...
    properties  a dict as `umqtt2.testing.decode_properties` returns it; not for pings
    connect     client_id, clean, keepalive, user, password, will (None or topic, payload, qos, retain), will_properties
    connack     present, code
    publish     topic, payload, qos, retain, dup, pid (0 at QoS 0)
    puback, pubrec, pubrel, pubcomp        pid, code
    subscribe   pid, filters: a list of topic filter and options
    unsubscribe pid, filters: a list of topic filters
    suback, unsuback                       pid, codes: a list
    disconnect, auth                       code
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tools.node import node, package

Packet = dict[str, Any]

# mqtt-packet's names of the properties, and which of them are True and False there, or binary.
NAMES = {
    1: "payloadFormatIndicator", 2: "messageExpiryInterval", 3: "contentType", 8: "responseTopic", 9: "correlationData",
    11: "subscriptionIdentifier", 17: "sessionExpiryInterval", 18: "assignedClientIdentifier", 19: "serverKeepAlive",
    21: "authenticationMethod", 22: "authenticationData", 23: "requestProblemInformation", 24: "willDelayInterval",
    25: "requestResponseInformation", 26: "responseInformation", 28: "serverReference", 31: "reasonString",
    33: "receiveMaximum", 34: "topicAliasMaximum", 35: "topicAlias", 36: "maximumQoS", 37: "retainAvailable",
    38: "userProperties", 39: "maximumPacketSize", 40: "wildcardSubscriptionAvailable",
    41: "subscriptionIdentifiersAvailable", 42: "sharedSubscriptionAvailable",
}  # fmt: skip
NUMBERS = {name: number for number, name in NAMES.items()}
BOOLEANS = (1, 23, 25, 37, 40, 41, 42)
BINARY = (9, 22)

NO_LOCAL = 4
AS_PUBLISHED = 8


class MqttPacket:
    """Use it with `with`."""

    def __init__(self) -> None:
        command = [str(node()), str(Path(__file__).with_name("bridge.cjs")), str(package("mqtt-packet"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def __enter__(self) -> MqttPacket:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def encode(self, packet: Packet, short: bool = False) -> bytes:
        """The bytes of a packet. Raises ValueError where mqtt-packet refuses it.

        short  leave out what may be left out of PUBACK, PUBREC, PUBREL and PUBCOMP
        """
        asked = _to_javascript(packet)
        if short and not asked["properties"]:
            del asked["properties"]
        return bytes.fromhex(self._ask({"encode": asked})["bytes"])

    def decode(self, data: bytes) -> Packet:
        """The packet in `data`, which is one. Raises ValueError where mqtt-packet refuses it."""
        packets = self._ask({"decode": data.hex()})["packets"]
        if len(packets) != 1:
            raise ValueError(f"{len(packets)} packets")
        return _from_javascript(packets[0])

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer


def comparable(packet: Packet) -> Packet:
    """The packet with its user properties in an order that mqtt-packet keeps: by name, and then as they were."""
    packet = dict(packet)
    for name in ("properties", "will_properties"):
        pairs = packet.get(name, {}).get(38)
        if pairs:
            packet[name] = {**packet[name], 38: sorted(pairs, key=lambda pair: pair[0])}
    return packet


def _buffer(data: bytes) -> dict[str, str]:
    return {"hex": data.hex()}


def _bytes(value: Any) -> Any:
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else bytes.fromhex(value["hex"])


def _properties_to(properties: dict[int, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, value in properties.items():
        if number == 38:
            pairs: dict[str, list[str]] = {}
            for name, text in value:
                pairs.setdefault(name.decode(), []).append(text.decode())
            value = pairs
        elif number in BOOLEANS:
            value = bool(value)
        elif number in BINARY:
            value = _buffer(value)
        elif isinstance(value, bytes):
            value = value.decode()
        found[NAMES[number]] = value
    return found


def _properties_from(properties: dict[str, Any]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for name, value in properties.items():
        number = NUMBERS[name]
        if number == 38:
            lists = {key: text if isinstance(text, list) else [text] for key, text in value.items()}
            value = [(key.encode(), text.encode()) for key, texts in lists.items() for text in texts]
        elif number in BOOLEANS:
            value = int(value)
        elif number == 11:
            value = value if isinstance(value, list) else [value]
        elif not isinstance(value, int):
            value = _bytes(value)
        found[number] = value
    return found


def _options_to(topic: bytes, options: int) -> dict[str, Any]:
    return {
        "topic": topic.decode(),
        "qos": options & 3,
        "nl": bool(options & NO_LOCAL),
        "rap": bool(options & AS_PUBLISHED),
        "rh": options >> 4,
    }


def _options_from(found: dict[str, Any]) -> tuple[bytes, int]:
    options = found["qos"] | found["rh"] << 4
    options |= (NO_LOCAL if found["nl"] else 0) | (AS_PUBLISHED if found["rap"] else 0)
    return found["topic"].encode(), options


def _to_javascript(packet: Packet) -> dict[str, Any]:
    kind = packet["kind"]
    out: dict[str, Any] = {"cmd": kind, "properties": _properties_to(packet.get("properties", {}))}
    if "pid" in packet:
        out["messageId"] = packet["pid"]
    if "code" in packet:
        out["reasonCode"] = packet["code"]
    if kind == "connect":
        out |= {"protocolId": "MQTT", "protocolVersion": 5, "clean": packet["clean"], "keepalive": packet["keepalive"]}
        out["clientId"] = packet["client_id"].decode()
        if packet["will"]:
            topic, payload, qos, retain = packet["will"]
            out["will"] = {"topic": topic.decode(), "payload": _buffer(payload), "qos": qos, "retain": retain}
            out["will"]["properties"] = _properties_to(packet["will_properties"])
        if packet["user"] is not None:
            out["username"] = packet["user"].decode()
        if packet["password"] is not None:
            out["password"] = _buffer(packet["password"])
    elif kind == "connack":
        out["sessionPresent"] = packet["present"]
    elif kind == "publish":
        out |= {name: packet[name] for name in ("qos", "retain", "dup")}
        out |= {"topic": packet["topic"].decode(), "payload": _buffer(packet["payload"])}
    elif kind == "subscribe":
        out["subscriptions"] = [_options_to(*pair) for pair in packet["filters"]]
    elif kind == "unsubscribe":
        out["unsubscriptions"] = [topic.decode() for topic in packet["filters"]]
    elif kind in ("suback", "unsuback"):
        out["granted"] = packet["codes"]
    return out


def _from_javascript(found: dict[str, Any]) -> Packet:
    kind = found["cmd"]
    packet: Packet = {"kind": kind}
    if kind in ("pingreq", "pingresp"):
        return packet
    packet["properties"] = _properties_from(found.get("properties", {}))
    if found.get("messageId") is not None:
        packet["pid"] = found["messageId"]
    if found.get("reasonCode") is not None:
        packet["code"] = found["reasonCode"]
    if kind == "connect":
        packet |= {"clean": found["clean"], "keepalive": found["keepalive"], "client_id": found["clientId"].encode()}
        packet |= {"user": _bytes(found.get("username")), "password": _bytes(found.get("password"))}
        packet |= {"will": None, "will_properties": {}}
        will = found.get("will")
        if will:
            packet["will"] = (will["topic"].encode(), _bytes(will["payload"]), will["qos"], will["retain"])
            packet["will_properties"] = _properties_from(will.get("properties", {}))
    elif kind == "connack":
        packet["present"] = found["sessionPresent"]
    elif kind == "publish":
        packet |= {name: found[name] for name in ("qos", "retain", "dup")}
        packet |= {"topic": found["topic"].encode(), "payload": _bytes(found["payload"])}
        packet.setdefault("pid", 0)
    elif kind == "subscribe":
        packet["filters"] = [_options_from(one) for one in found["subscriptions"]]
    elif kind == "unsubscribe":
        packet["filters"] = [topic.encode() for topic in found["unsubscriptions"]]
    elif kind in ("suback", "unsuback"):
        packet["codes"] = found["granted"]
    return packet
