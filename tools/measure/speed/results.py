"""The results: made, kept in build/bench/results.json, and read again."""

from __future__ import annotations

import json
import os
import platform
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tools import fetch
from tools.errors import ToolError, Unsupported
from tools.measure.broker import Broker, running
from tools.measure.instructions import measure as instructions
from tools.measure.speed import rounds
from tools.measure.speed.machines import MicroPython
from tools.measure.speed.plan import FIGURES, MICROPYTHON, TASKS_ON_VM
from tools.other_clients import VERSIONS
from tools.paths import BUILD

HOME = BUILD / "bench"
FILE = HOME / "results.json"

Results = dict[str, Any]


def measure(profile: str, count: int, seconds: float, file: Path = FILE, shorter: int = 1) -> Results:
    """Measure all there is, in `count` rounds with samples of that many seconds, and keep it.

    shorter: count instructions of that many times fewer calls
    """
    on_vm = (figure.clients for figure in FIGURES if figure.machine in (MICROPYTHON, TASKS_ON_VM))
    vm = MicroPython(sorted(set().union(*on_vm)), profile, file.parent / "lib")
    load = os.getloadavg()[0]
    with running() as broker:
        found: Results = {
            "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
            "versions": {
                "umqtt2": f"{_version('umqtt2')}, build {profile}",
                "vm": f"{vm.version}, {vm.bits}-bit",
                "cpython": platform.python_version(),
                "mosquitto": broker.version,
                **{name: _version(name) for name in ("paho-mqtt", "aiomqtt")},
                "gmqtt": VERSIONS["gmqtt"],
                **{name: VERSIONS[name] for name in ("umqtt.simple", "umqtt.simple2", "aiomqttc", "chumicro-mqtt")},
            },
            "machine": machine(),
            "load before": round(load, 2),
            "rounds": count,
            "seconds": seconds,
            "heap": rounds.exact(vm, broker, "heap"),
            "writes": rounds.exact(vm, broker, "writes"),
            "instructions": _instructions(broker, profile, file.parent / "instructions", shorter),
            "speed": rounds.speeds(vm, broker, count, seconds),
        }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=1) + "\n")
    return found


def _instructions(broker: Broker, profile: str, home: Path, shorter: int) -> dict[str, dict[str, float]]:
    """Thousand instructions by client and measure; nothing where valgrind cannot run."""
    try:
        fetch.valgrind()
    except Unsupported as error:
        print(f"instructions are not counted: {error}")
        return {}
    clients = instructions.CLIENTS
    return {client: instructions.all_of(home, broker, client, profile, shorter) for client in clients}


def read(file: Path = FILE) -> Results:
    """The results of the last run."""
    try:
        return json.loads(file.read_text())  # type: ignore[no-any-return]
    except (OSError, ValueError):
        raise ToolError("bench: there are no results yet; run `make bench`") from None


def machine() -> str:
    """What this machine is, without its name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        raise ToolError(f"bench: {package} is not installed; `make bench` does that") from None
