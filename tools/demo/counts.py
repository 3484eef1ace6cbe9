"""What happened in the demo, seen from both sides, and whether that was right."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from statistics import median

READING = re.compile(r"(-?\d+\.\d+) ([CF])")
NEW_UNIT = "F"
NEW_INTERVAL_MS = 200
INTERVAL_MS = 500
# Sent by the laptop, each after that share of the device's time.
COMMANDS = ((0.4, f"unit {NEW_UNIT}"), (0.6, f"interval {NEW_INTERVAL_MS}"))


@dataclass
class Counts:
    """Filled in while the demo runs."""

    device: dict[str, int] = field(default_factory=dict)  # what its last line says
    device_says: str = ""  # its last line if that is no such line
    arrivals: list[tuple[float, str]] = field(default_factory=list)  # readings: when, and the unit
    commands: list[float] = field(default_factory=list)  # when the laptop sent each

    def take_device_line(self, line: str) -> bool:
        """Take the line with the counts; False for any other."""
        word, *pairs = line.split() or [""]
        if word != "result":
            self.device_says = line
            return False
        for pair in pairs:
            name, _, value = pair.partition("=")
            self.device[name] = int(value)
        return True

    def take_reading(self, when: float, text: str) -> bool:
        """Take a message that the laptop received; False if it is no reading."""
        match = READING.fullmatch(text)
        if match:
            self.arrivals.append((when, match[2]))
        return bool(match)

    @property
    def sent(self) -> int:
        """What the device sent, as it says at its end."""
        return self.device.get("sent", 0)

    def rows(self) -> list[tuple[str, str]]:
        """The summary."""
        free = self.device.get("free")
        before, after = self._pace()
        return [
            ("readings sent by the device", str(self.sent)),
            ("acknowledged by the broker", str(self.device.get("acknowledged", 0))),
            ("received by the laptop", str(len(self.arrivals))),
            ("commands sent by the laptop", str(len(self.commands))),
            ("received by the device", str(self.device.get("commands", 0))),
            ("a reading every", f"{_seconds(before)}, after the command {_seconds(after)}"),
            ("free heap of the device at the end", "?" if free is None else f"{free:,} bytes"),
        ]

    def problem(self) -> str:
        """The problem in one line; empty when there is none."""
        if not self.device:
            return f"the device program ended early; it says: {self.device_says or 'nothing'}"
        if not self.sent:
            return f"nothing was sent; the device says: {self.device_says or 'nothing'}"
        missing = self.sent - self.device["acknowledged"]
        if missing:
            return (
                f"{missing} of {self.sent} readings were not acknowledged: {self.device['lost']} lost with"
                f" a connection or too late, {self.device['in_flight']} still in flight at the very end"
            )
        if len(self.arrivals) < self.sent:
            return f"the laptop received {len(self.arrivals)} of {self.sent} readings"
        if len(self.commands) < len(COMMANDS) or self.device["commands"] < len(COMMANDS):
            return f"the device received {self.device['commands']} of {len(COMMANDS)} commands"
        if self.arrivals[-1][1] != NEW_UNIT:
            return f"the command {COMMANDS[0][1]!r} had no effect"
        before, after = self._pace()
        # On a busy machine readings are late, so the pace is only asked to be clearly another one.
        if not before or not after or after > 0.8 * before:
            return f"the command {COMMANDS[1][1]!r} had no effect"
        return ""

    def _pace(self) -> tuple[float, float]:
        """The median interval of the readings before and after the command for a shorter interval."""
        told = self.commands[-1] if len(self.commands) == len(COMMANDS) else float("inf")
        before = [when for when, _ in self.arrivals if when < told]
        after = [when for when, _ in self.arrivals if when >= told]
        return _pace_of(before), _pace_of(after)


def _pace_of(times: list[float]) -> float:
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    return median(gaps) if gaps else 0.0


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value else "?"
