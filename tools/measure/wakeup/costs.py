"""What a wake-up costs, from power-on to the last packet.

A device of 32 bits wakes up, sends a reading, and leaves. Counted are round trips, those of TCP and TLS included (not
that of a name's look-up), and bytes of TCP's payload in both directions, with TLS what TLS makes of them. Time is not
measured: a round trip is one on any machine.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tools import fetch
from tools.errors import ToolError
from tools.measure.wakeup.round_trips import RoundTrips
from tools.paths import BUILD
from tools.testkit import vm
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.process import Process
from tools.testkit.tree import lay_out, lay_out_other, put

PROGRAMS = Path(__file__).parent / "programs"
SECONDS = 60
HEAP_KB = 512
LISTENERS = {False: Listener("anonymous"), True: Listener("tls", "server")}
TREES = {"plain": "simple", "robust": "full", "aio": "aio"}  # builds of umqtt2, for its programs
# No package registry has it: clone github.com/peterhinch/micropython-mqtt to this folder, at commit 306ea64.
MQTT_AS = BUILD / "other-clients" / "mqtt_as-0.8.3"
ARCHIVES = {"simple": "umqtt.simple", "simple2": "umqtt.simple2"}


class Client(NamedTuple):
    """A program of PROGRAMS, and what readers call it."""

    title: str
    program: str
    eager: bool = False
    sleeps: bool = True  # while it waits


CLIENTS = [
    Client("umqtt.simple", "simple"),
    Client("umqtt.simple2", "simple2"),
    Client("mqtt_as", "mqtt_as", sleeps=False),
    Client("umqtt2", "plain"),
    Client("umqtt2, eager", "plain", True),
    Client("umqtt2.robust, not eager", "robust"),
    Client("umqtt2.robust", "robust", True),
    Client("umqtt2.aio", "aio"),
    Client("umqtt2.aio, eager", "aio", True),
]
SCENARIOS = {
    "qos1": "a reading at QoS 1",
    "commands": "a reading and a subscription, both at QoS 1",
    "qos0": "a reading at QoS 0",
    "waiting": "100 readings at QoS 1 that were never sent",
}
WAITING = ("robust",)  # programs that take messages before they are connected


class Cost(NamedTuple):
    """
    acknowledged  round trips from power-on until everything was acknowledged; None at QoS 0
    trips         round trips until the client has closed the connection
    up, down      bytes to the broker, and from it
    """

    acknowledged: int | None
    trips: int
    up: int
    down: int


Costs = dict[tuple[str, bool, str], Cost]  # by scenario, TLS, and title of the client
# Of mqtt_as, where it is not to be had: from the run of 2026-11-28, in which it was.
MEASURED_ONCE = {
    ("qos1", False): Cost(3, 3, 47, 8),
    ("qos1", True): Cost(4, 4, 909, 2015),
    ("commands", False): Cost(3, 3, 62, 13),
    ("commands", True): Cost(4, 4, 1057, 2042),
    ("qos0", False): Cost(None, 2, 45, 4),
    ("qos0", True): Cost(None, 3, 872, 1989),
}


def measure(
    folder: Path,
    clients: Sequence[Client] = CLIENTS,
    scenarios: Iterable[str] = SCENARIOS,
    secured: Iterable[bool] = (False, True),
) -> Costs:
    """Measure each client in each scenario, with TLS and without; `folder` is for files."""
    device = fetch.vm32()
    certificates = Certificates(folder)
    costs: Costs = {}
    with Mosquitto(folder / "mosquitto", certificates, list(LISTENERS.values())) as broker:
        for program in dict.fromkeys(client.program for client in clients):
            if program != "mqtt_as" or MQTT_AS.exists():
                prepare(program, folder / program)
        for scenario, secure, client in itertools.product(scenarios, secured, clients):
            if scenario == "waiting" and client.program not in WAITING:
                continue
            if client.program == "mqtt_as" and not MQTT_AS.exists():
                costs[scenario, secure, client.title] = MEASURED_ONCE[scenario, secure]
                continue
            with RoundTrips(broker.port(LISTENERS[secure].name), broker.pid, client.sleeps) as proxy:
                config: dict[str, object] = {"scenario": scenario, "tls": secure, "eager": client.eager}
                config.update(host="localhost", port=proxy.port, ca=certificates.der("ca"))
                cost = wake(device, folder / client.program, f"wake_{client.program}", config, proxy)
            costs[scenario, secure, client.title] = cost
    return costs


def prepare(program: str, folder: Path) -> None:
    """Put a client and its program into a folder."""
    for source in (PROGRAMS / "waking.py", PROGRAMS / "ussl.py", PROGRAMS / f"wake_{program}.py"):
        put(source, folder / source.name)
    if program == "mqtt_as":
        for path in (MQTT_AS / "mqtt_as").glob("*.py"):
            put(path, folder / "mqtt_as" / path.name)
    elif program in TREES:
        lay_out(TREES[program], folder)
    else:
        lay_out_other(ARCHIVES[program], folder)


def wake(device: Path, folder: Path, program: str, config: dict[str, object], proxy: RoundTrips) -> Cost:
    """Let a device wake up once."""
    line = f"import {program}; {program}.wake({config!r})"
    command = vm.command(device, HEAP_KB, "-c", line)
    with Process(command, folder, vm.imports(folder), typed=True) as process:
        proxy.client_pid = process.pid
        acknowledged = None
        if process.prints("acknowledged", SECONDS):
            acknowledged = proxy.trips
            process.say()
        status = process.wait(SECONDS)
    if status or not proxy.closed.wait(SECONDS):
        said = "\n".join(process.output)
        raise ToolError(f"wakeup: {program} failed with {json.dumps(config)}:\n{said}")
    return Cost(acknowledged, proxy.trips, proxy.up, proxy.down)
