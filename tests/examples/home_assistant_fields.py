"""Writes home_assistant.json beside this file: what Home Assistant's own schema of MQTT discovery takes.

Not a part of `make test`. In an environment of its own, with Python 3.11 or 3.12 (some 80 packages):

    pip install "homeassistant==2024.3.3" "paho-mqtt<2"
    python home_assistant_fields.py config.json ...

Each argument is a file with {topic: payload} of discovery, which is given to that schema; what it refuses is printed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import voluptuous as vol  # type: ignore
from homeassistant.components.mqtt import abbreviations, mixins, sensor, switch  # type: ignore
from homeassistant.components.sensor.const import (  # type: ignore
    DEVICE_CLASS_UNITS,
    SensorDeviceClass,
    SensorStateClass,
)
from homeassistant.components.switch import SwitchDeviceClass  # type: ignore
from homeassistant.const import __version__  # type: ignore

SCHEMAS: dict[str, Any] = {"sensor": sensor.DISCOVERY_SCHEMA, "switch": switch.DISCOVERY_SCHEMA}


def fields(schema: Any) -> dict[str, bool]:
    """The options of a schema, and whether each is required."""
    while not isinstance(schema, vol.Schema) or not isinstance(schema.schema, dict):
        schema = next(part for part in schema.validators if isinstance(part, (vol.Schema, vol.All)))
    return {str(key): isinstance(key, vol.Required) for key in sorted(schema.schema, key=str)}


def main() -> None:
    found = {
        "source": f"homeassistant {__version__} of PyPI: homeassistant.components.mqtt",
        "abbreviations": abbreviations.ABBREVIATIONS,
        "abbreviations of device": abbreviations.DEVICE_ABBREVIATIONS,
        "abbreviations of origin": abbreviations.ORIGIN_ABBREVIATIONS,
        "device": fields(mixins.MQTT_ENTITY_DEVICE_INFO_SCHEMA),
        "origin": fields(mixins.MQTT_ORIGIN_INFO_SCHEMA),
        "sensor": fields(SCHEMAS["sensor"]),
        "switch": fields(SCHEMAS["switch"]),
        "device classes": {
            "sensor": sorted(one.value for one in SensorDeviceClass),
            "switch": sorted(one.value for one in SwitchDeviceClass),
        },
        "state classes": sorted(one.value for one in SensorStateClass),
        "units of temperature": sorted(DEVICE_CLASS_UNITS[SensorDeviceClass.TEMPERATURE]),
    }
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    Path(__file__).with_name("home_assistant.json").write_text(text, encoding="utf-8")
    for path in sys.argv[1:]:
        for topic, payload in json.loads(Path(path).read_text(encoding="utf-8")).items():
            try:
                SCHEMAS[topic.split("/")[1]](payload)
                left_out = set(payload) - set(fields(SCHEMAS[topic.split("/")[1]]))
                print(topic, f"ignored: {left_out}" if left_out else "taken")
            except vol.Invalid as error:
                print(topic, "refused:", error)


if __name__ == "__main__":
    main()
