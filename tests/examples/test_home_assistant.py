"""Home Assistant: its discovery takes what the example publishes, a hundred commands are obeyed, and it comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.examples.board import Board
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Observer
from tools.testkit.proxy import Proxy

STATE, SET, STATUS = "kitchen-1/state", "kitchen-1/lamp/set", "kitchen-1/status"
CONFIGS = {
    "sensor": "homeassistant/sensor/kitchen-1/temperature/config",
    "switch": "homeassistant/switch/kitchen-1/lamp/config",
}
N = 100

# The options that this example may use, from https://www.home-assistant.io/integrations/mqtt/ (discovery, device and
# origin), /integrations/sensor.mqtt/ and /integrations/switch.mqtt/. Home Assistant refuses what is not in its schema.
COMMON: dict[str, type] = {
    "availability_topic": str,
    "device": dict,
    "expire_after": int,
    "icon": str,
    "name": str,
    "origin": dict,
    "payload_available": str,
    "payload_not_available": str,
    "qos": int,
    "state_topic": str,
    "unique_id": str,
    "value_template": str,
}
SCHEMAS: dict[str, dict[str, type]] = {
    "sensor": {**COMMON, "device_class": str, "state_class": str, "unit_of_measurement": str},
    "switch": {**COMMON, "command_topic": str, "device_class": str, "payload_on": str, "payload_off": str},
}
REQUIRED = {"sensor": {"state_topic"}, "switch": {"command_topic"}}
DEVICE = {"identifiers", "connections", "name", "manufacturer", "model", "sw_version", "hw_version", "suggested_area"}
TEMPERATURE_UNITS = {"°C", "°F", "K"}
TOPIC = r"homeassistant/(\w+)/([\w-]+/)?([\w-]+)/config"


def check_config(kind: str, topic: str, payload: bytes) -> dict[str, Any]:
    """See that Home Assistant takes a message of discovery; return what is in it."""
    match = re.fullmatch(TOPIC, topic)
    assert match and match[1] == kind
    config: dict[str, Any] = json.loads(payload)
    for name, value in config.items():
        assert isinstance(value, SCHEMAS[kind][name]), name
    assert REQUIRED[kind] <= set(config)
    # An entity of a device must have a unique identifier; a device something to know it by.
    assert config["unique_id"]
    assert set(config["device"]) <= DEVICE
    assert config["device"]["identifiers"] or config["device"]["connections"]
    assert config["origin"]["name"]
    if config.get("device_class") == "temperature":
        assert config["unit_of_measurement"] in TEMPERATURE_UNITS
        assert config["state_class"] == "measurement"
    return config


def value_of(config: dict[str, Any], state: bytes) -> object:
    """What the entity's template makes of a state; the templates of the example are of one kind."""
    match = re.fullmatch(r"{{ value_json\.(\w+) }}", config["value_template"])
    assert match
    return json.loads(state)[match[1]]


def test_home_assistant(
    board: Board, broker: Mosquitto, make_proxy: Callable[..., Proxy], observe: Callable[[str], Observer]
) -> None:
    proxy = make_proxy()
    observer = observe("#")
    board.copy("home_assistant.py", BROKER="localhost", PORT=proxy.port, INTERVAL=600000)
    with board.start("home_assistant.py", heap_kb=40) as run:
        run.event("pin")
        configs = {kind: check_config(kind, topic, observer.next(topic).payload) for kind, topic in CONFIGS.items()}
        for config in configs.values():
            assert (config["availability_topic"], config["state_topic"]) == (STATUS, STATE)
        assert observer.next(STATUS).payload == b"online"
        state = observer.next(STATE).payload
        assert isinstance(value_of(configs["sensor"], state), float)
        assert value_of(configs["switch"], state) == "OFF"

        # A hundred commands, more than the broker sends without acknowledgements.
        command = configs["switch"]["command_topic"]
        assert broker.wait_for(rf" \d {command}$")
        wanted = [("OFF", "ON")[i % 2 == 0] for i in range(N)]
        observer.publish_all(command, [word.encode() for word in wanted], 1)
        assert [value_of(configs["switch"], observer.next(STATE).payload) for _ in wanted] == wanted
        assert [run.event("pin")["level"] for _ in wanted] == [word == "ON" for word in wanted]

        # Home Assistant restarts.
        observer.publish("homeassistant/status", b"offline")
        observer.publish("homeassistant/status", b"online")
        for kind, topic in CONFIGS.items():
            assert json.loads(observer.next(topic).payload) == configs[kind]
        assert observer.next(STATUS).payload == b"online"
        assert observer.next(STATE).payload

        # Who comes later gets all of it.
        later = observe("#")
        for topic in (*CONFIGS.values(), STATUS, STATE):
            assert later.next(topic).retain

        # The connection is lost.
        proxy.cut()
        assert observer.next(STATUS).payload == b"offline"
        assert observer.next(STATUS).payload == b"online"
    assert observer.next(STATUS).payload == b"offline"
