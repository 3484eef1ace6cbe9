"""Round trips and bytes of a device that wakes up, publishes and sleeps: docs/battery.md.

A 32-bit VM connects, sends a reading, and leaves. Counted are round trips, those of TCP and TLS included (not
that of a name's look-up), and bytes of TCP's payload in both directions, with TLS what TLS makes of them. Time is not
measured: a round trip is one on any machine.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import select
import socket
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tools import fetch
from tools.errors import ToolError
from tools.measure import pictures
from tools.measure.loops import PROGRAMS
from tools.paths import BUILD
from tools.tables import Table
from tools.testkit import vm
from tools.testkit.broker import HOST
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.process import Process
from tools.testkit.proxy import Server
from tools.testkit.tree import lay_out, lay_out_other, put

SECONDS = 60
HEAP_KB = 512
WAKE_UPS = 1000
ROUND_TRIP_MS = 100
MILLIAMPERES = 110  # of an ESP32 that receives: table 6 of the manual of ESP32-PICO-ZERO, 20 MHz
MILLIAMPERE_HOURS = WAKE_UPS * ROUND_TRIP_MS / 1000 * MILLIAMPERES / 3600  # for each round trip of a wake-up
LISTENERS = {"TCP": Listener("anonymous"), "TLS": Listener("tls", "server")}
# No package registry has it: clone github.com/peterhinch/micropython-mqtt to this folder, at commit 306ea64, to have it
# measured. Where it is not, its published figures stay.
MQTT_AS = BUILD / "other-clients" / "mqtt_as-0.8.3"
# The program's function, and whether it is eager.
CLIENTS = {
    "umqtt.simple": ("simple", False),
    "umqtt.simple2": ("simple2", False),
    "mqtt_as": ("mqtt_as", False),
    "umqtt2": ("plain", False),
    "umqtt2, eager": ("plain", True),
    "umqtt2.robust, not eager": ("robust", False),
    "umqtt2.robust": ("robust", True),
    "umqtt2.aio": ("aio", False),
    "umqtt2.aio, eager": ("aio", True),
}
SCENARIOS = {
    "qos1": "A reading at QoS 1",
    "commands": "A reading and a subscription, both at QoS 1",
    "qos0": "A reading at QoS 0",
    "waiting": "100 readings at QoS 1 that were never sent",  # for a program that takes messages before it connects
}
PAGES = {"battery.md": [f"wakeup, {scenario}" for scenario in SCENARIOS]}

LOOK = 0.01  # seconds between two looks at who is asleep
QUIET = 8  # looks in a row: longer than any client naps between two packets that need no answer
QUIET_WITHOUT_SLEEP = 50  # likewise, for a client that asks the socket again and again, so that it is never asleep
QUIET_AT_THE_END = 3  # when the broker has closed: umqtt2 waits a second for that, also on a busy machine


class Cost(NamedTuple):
    """
    acknowledged  round trips from the call of connect() until everything was acknowledged; None at QoS 0
    trips         round trips until the client has closed the connection
    up, down      bytes to the broker, and from it
    """

    acknowledged: int | None
    trips: int
    up: int
    down: int


# By scenario, title of the client, and TCP or TLS.
Costs = dict[str, dict[str, dict[str, Cost]]]


def measure(options: argparse.Namespace) -> Costs:
    """Measure all clients in all scenarios."""
    return costs([name for name in CLIENTS if name != "mqtt_as" or MQTT_AS.exists()])


def costs(clients: Iterable[str], scenarios: Iterable[str] = SCENARIOS) -> Costs:
    """Measure each client in each scenario, with TLS and without."""
    found: Costs = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        certificates = Certificates(folder)
        prepare(folder / "lib")
        with Mosquitto(folder / "mosquitto", certificates, list(LISTENERS.values())) as broker:
            for scenario, name, how in itertools.product(scenarios, clients, LISTENERS):
                program, eager = CLIENTS[name]
                if scenario == "waiting" and program != "robust":
                    continue
                with RoundTrips(broker.port(LISTENERS[how].name), broker.pid, program != "mqtt_as") as proxy:
                    config = {"scenario": scenario, "tls": how == "TLS", "eager": eager, "ca": certificates.der("ca")}
                    config.update(host="localhost", port=proxy.port)
                    cost = wake(folder / "lib", f"import wake; wake.main{(program, config)!r}", proxy)
                found.setdefault(scenario, {}).setdefault(name, {})[how] = cost
    return found


def prepare(folder: Path) -> None:
    """Put all clients and the program into a folder."""
    lay_out("full", folder)
    for path in (PROGRAMS / "wake.py", PROGRAMS / "ussl.py"):
        put(path, folder / path.name)
    for name in ("umqtt.simple", "umqtt.simple2"):
        lay_out_other(name, folder)
    for path in MQTT_AS.glob("mqtt_as/*.py"):
        put(path, folder / "mqtt_as" / path.name)


def wake(folder: Path, line: str, proxy: RoundTrips) -> Cost:
    """Let a device wake up once."""
    with Process(vm.command(fetch.vm32(), HEAP_KB, "-c", line), folder, vm.imports(folder), typed=True) as process:
        proxy.client_pid = process.pid
        acknowledged = None
        if process.prints("acknowledged", SECONDS):
            acknowledged = proxy.trips
            process.say()
        status = process.wait(SECONDS)
    if status or not proxy.closed.wait(SECONDS):
        said = "\n".join(process.output)
        raise ToolError(f"wakeup: {line} failed:\n{said}")
    return Cost(acknowledged, proxy.trips, proxy.up, proxy.down)


class RoundTrips(Server):
    """A proxy that counts round trips and bytes of one connection, on any machine. Use it with `with`,
    after the broker was started.

    It lets the connection go on in turns. What the client sends goes on to the broker; then it waits until both are
    asleep and nothing more comes from either, and only then gives the client all that the broker has answered. Such a
    turn is a round trip of any network, however long that takes for it: what the client sent in one turn did not wait
    for an answer.

    port        that the client connects to
    client_pid  the client's process
    trips       round trips so far, that of TCP's own handshake included
    up, down    bytes of TCP's payload so far, to the broker and from it
    closed      set when the client has closed the connection
    """

    def __init__(self, broker_port: int, broker_pid: int, sleeps: bool) -> None:
        """sleeps: whether the client is asleep while it waits."""
        super().__init__(self._run)
        self._sleeps = sleeps
        self._broker_port = broker_port
        self._broker_pid = broker_pid
        self.client_pid: int | None = None
        self.trips = self.up = self.down = 0
        self.closed = threading.Event()

    def _run(self, client: socket.socket) -> None:
        self.trips = 1
        with contextlib.suppress(OSError), client, socket.create_connection((HOST, self._broker_port)) as broker:
            for sock in (client, broker):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._relay(client, broker)
        self.closed.set()

    def _relay(self, client: socket.socket, broker: socket.socket) -> None:
        answers = b""
        asked = False  # the client has sent something since it got an answer
        quiet = 0
        ended = False  # the broker has closed, and the client does not know yet
        open_ones = [client, broker]
        while True:
            ready, _, _ = select.select(open_ones, [], [], LOOK)
            if client in ready:
                data = client.recv(65536)
                if not data:
                    return
                asked = True
                self.up += len(data)
                if broker in open_ones:
                    broker.sendall(data)
            if broker in ready:
                data = broker.recv(65536)
                answers += data
                if not data:
                    open_ones.remove(broker)
                    ended = True
            quiet = 0 if ready or not self._all_asleep(ended) else quiet + 1
            enough = QUIET_WITHOUT_SLEEP if not self._sleeps else QUIET_AT_THE_END if ended else QUIET
            if quiet >= enough and (answers or ended):
                self.trips += asked
                self.down += len(answers)
                client.sendall(answers)
                if ended:
                    client.shutdown(socket.SHUT_WR)
                answers, asked, ended, quiet = b"", False, False, 0

    def _all_asleep(self, ended: bool) -> bool:
        if self._sleeps and (self.client_pid is None or not is_asleep(self.client_pid)):
            return False
        return ended or is_asleep(self._broker_pid)


def is_asleep(pid: int) -> bool:
    """Whether a process waits for something, and not for its turn on a processor."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True  # it has ended
    return stat.rpartition(")")[2].split()[0] not in "RD"


def parts(figures: Costs) -> dict[str, Table]:
    """A table for each scenario, with a row for each client."""
    head = ["client", *(f"{how}: {what}" for how in LISTENERS for what in ("round trips", "bytes"))]
    head += [f"{how}: mAh" for how in LISTENERS]
    found = {}
    for scenario, clients in figures.items():
        rows = []
        for client, measured in clients.items():
            row, currents = [client], []
            for acknowledged, trips, up, down in (measured[how] for how in LISTENERS):
                told = f"{trips}" if acknowledged in (None, trips) else f"{acknowledged}, {trips}"
                row += [told, f"{up:,} + {down:,}"]
                currents.append(f"{trips * MILLIAMPERE_HOURS:.1f}")
            rows.append(row + currents)
        found[f"wakeup, {scenario}"] = Table(SCENARIOS[scenario], head, rows)
    return found


def draw(figures: Costs, folder: Path) -> None:
    """The round trips until a reading at QoS 1 is acknowledged."""
    clients = figures["qos1"]
    panels = {f"over {how}": {name: [clients[name][how][0] or 0] for name in clients} for how in LISTENERS}
    title = "Round trips until a reading at QoS 1 is acknowledged"
    pictures.bars(folder / "battery" / "round-trips.svg", title, panels)
