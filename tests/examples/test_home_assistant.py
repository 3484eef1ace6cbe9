"""Home Assistant: its discovery takes what the example publishes, a hundred commands are obeyed, and it comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import DOCS, blocks
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

# What Home Assistant's own schema takes: home_assistant_fields.py writes it.
KNOWN = json.loads(Path(__file__).with_name("home_assistant.json").read_text(encoding="utf-8"))
TOPIC = r"homeassistant/(\w+)/([\w-]+/)?([\w-]+)/config"


def known(config: dict[str, Any], kind: str, abbreviations: str) -> dict[str, Any]:
    """A part of a message with whole names; see that Home Assistant knows each, and that none is missing."""
    whole = {KNOWN[abbreviations].get(name, name): value for name, value in config.items()}
    assert set(whole) <= set(KNOWN[kind]), "Home Assistant does not know them"
    assert {name for name, required in KNOWN[kind].items() if required} <= set(whole)
    return whole


def check_config(kind: str, topic: str, payload: bytes | str) -> dict[str, Any]:
    """See that Home Assistant takes a message of discovery; return what is in it."""
    match = re.fullmatch(TOPIC, topic)
    assert match and match[1] == kind
    config = known(json.loads(payload), kind, "abbreviations")
    # An entity of a device must have a unique identifier; a device something to know it by.
    assert config["unique_id"]
    device = known(config["device"], "device", "abbreviations of device")
    assert device.get("identifiers") or device.get("connections")
    assert known(config.get("origin", {"name": "?"}), "origin", "abbreviations of origin")["name"]
    if "device_class" in config:
        assert config["device_class"] in KNOWN["device classes"][kind]
    if config.get("device_class") == "temperature":
        assert config["unit_of_measurement"] in KNOWN["units of temperature"]
        assert config["state_class"] in KNOWN["state classes"]
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


@pytest.mark.parametrize(
    ("change", "is_taken"),
    [
        ({}, True),
        ({"stat_t": "kitchen-1/state", "ic": "mdi:lamp"}, True),
        ({"topic": "kitchen-1/state"}, False),
        ({"device": {"name": "Kitchen"}}, False),
        ({"device": {"ids": ["kitchen-1"], "version": "1"}}, False),
        ({"device_class": "lamp"}, False),
    ],
)
def test_the_pages_entity(change: dict[str, Any], is_taken: bool) -> None:
    program: dict[str, Any] = {}
    exec(next(block for block in blocks(DOCS / "home-assistant.md") if "config =" in block), program)
    payload = json.dumps({**program["config"], **change})
    try:
        check_config("switch", CONFIGS["switch"], payload)
    except AssertionError:
        assert not is_taken
    else:
        assert is_taken
