"""The budget kept in the repository: what a call of our build may take at the most."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from configparser import ConfigParser

from tools import fetch
from tools.micropython import ASK
from tools.paths import REPO

FILE = REPO / "instruction-budget.ini"
VM = "vm"  # the section that says what was measured on
PROFILE = "simple"
ROOM = 1.02  # counts are sometimes a little higher than the last time

HEAD = """\
# How many thousand instructions a call may take at the most: what was counted, and 2 %. `make test` fails
# when one takes more.
#
# qos0     publish at QoS 0
# qos1     publish at QoS 1 and its acknowledgement
# receive  received message at QoS 0
# idle     check_msg when nothing is there
#
# `python -m tools.instructions --write-budget` writes what it counts. It holds for this VM only.
"""


def read() -> dict[str, float]:
    """The limit of each measure."""
    ini = _ini()
    return {name: ini.getfloat(PROFILE, name) for name in ini.options(PROFILE)} if ini.has_section(PROFILE) else {}


def vm() -> str:
    """The VM that the budget holds for, as `running_on` says it."""
    return _ini().get(VM, "version", fallback="")


def running_on() -> str:
    """The VM that is measured: its version, its word size, its compiler, and the processor."""
    ask = f"{ASK}; print(i._machine)"
    done = subprocess.run([str(fetch.vm64()), "-c", ask], capture_output=True, text=True, check=True)
    what, machine = done.stdout.splitlines()
    _, major, minor, bits = what.split()
    return f"MicroPython {major}.{minor}, {bits} bits, {machine}, {platform.machine()}"


def write(version: str, figures: Mapping[str, float]) -> None:
    """Make figures the limits."""
    ini = ConfigParser(interpolation=None)
    limits = {name: f"{value * ROOM:.1f}" for name, value in figures.items()}
    ini.read_dict({VM: {"version": version}, PROFILE: limits})
    with open(FILE, "w", encoding="utf-8") as file:
        file.write(HEAD + "\n")
        ini.write(file)


def exceeded(measure: str, value: float) -> str:
    """By how much a measure exceeds its limit, in one line; "" if it does not."""
    limit = read()[measure]
    if value <= limit:
        return ""
    return f"{measure}: {value:.2f} thousand instructions, {value - limit:.2f} over the budget of {limit:.1f}"


def _ini() -> ConfigParser:
    ini = ConfigParser(interpolation=None)
    ini.read(FILE, encoding="utf-8")
    return ini
