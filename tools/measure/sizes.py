"""How much of a board's flash and heap each client takes: docs/performance.md, docs/boards.md, size-budget.ini."""

from __future__ import annotations

import argparse
import itertools
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Optional

from tools import fetch
from tools.device import PROFILES, install
from tools.measure import pictures, published
from tools.measure.budget import BYTES, bytes_on
from tools.measure.loops import PROGRAMS, clients_option
from tools.tables import Table, number, terminal
from tools.testkit import vm
from tools.testkit.broker import HOST
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.observer import Message, Observer
from tools.testkit.tree import lay_out_other, put

ROOMY_KB = 512  # of heap, when it is not what is measured
# Those of tools.device: no line numbers, and a name for tracebacks that costs nothing.
FLAGS = ("-O3", "-s", "main")
MESSAGES, SIZE = 20, 32  # that are echoed, and bytes of each
SECONDS = 30
STEP, MOST = 256, 48 * 1024  # bytes of heap
TIMES = 3  # consecutive successes that are required
DOWN, UP = "sizes/down", "sizes/up"
RUNS = itertools.count()
LOOK = 0.2  # seconds to wait for a message before it is looked whether the program still runs

# From the name of a figure to its value in bytes; None is "not applicable".
Figures = dict[str, Optional[int]]
TITLES = {
    "mpy_bytes": ".mpy files",
    "loaded_bytes": "of it loaded by the import",
    "import_heap": "heap for the import",
    "tls_import_heap": "with TLS",
    "plain_heap": "smallest heap that runs",
    "tls_heap": "over TLS",
}
MADE = 'MQTTClient("sizes", "localhost")'
LIMITED = ("mpy_bytes", "import_heap", "plain_heap", "tls_heap")  # by the budget
# What the profile that does all that umqtt.simple2 does has to reach, its TLS included. docs/performance.md
# says where these numbers come from.
TARGET = ("simple", {"mpy_bytes": 4021, "import_heap": 6160, "tls_import_heap": 6160, "plain_heap": 9 * 1024})

PAGES = {"performance.md": ["sizes"], "boards.md": ["sizes of profiles"]}
ROWS = {  # of docs/performance.md
    "umqtt2, simple": "simple",
    "umqtt2, core": "core",
    "umqtt2, simple5 (MQTT 5 alone)": "simple5",
    "umqtt2, full": "full",
    "its `umqtt2.robust`, all that it loads": "robust, of full",
    "its `umqtt2.aio`, likewise, with asyncio": "aio, of full",
    "umqtt2, aio (`umqtt2.aio`, with asyncio)": "aio",
    "mqtt_as, measured once, with asyncio": "mqtt_as, measured once",
    "with its MQTT 5, one file more": "with its MQTT 5",
    "aiomqttc, with asyncio": "aiomqttc",
    "chumicro-mqtt (a loop, no asyncio), plain TCP": "chumicro-mqtt",
    "umqtt.simple2": "umqtt.simple2",
    "umqtt.robust2": "umqtt.robust2",
    "umqtt.simple": "umqtt.simple",
}
BOARDS = ("core", "simple", "simple5", "full", "aio, of full", "aio")  # rows of docs/boards.md
PANELS = {
    "mpy_bytes": ".mpy files",
    "import_heap": "heap taken by the import",
    "plain_heap": "smallest heap that connects, subscribes and echoes 20 messages at QoS 1",
    "tls_heap": "the same over TLS, with a verified certificate",
}

# Neither PyPI nor npm has mqtt_as, so it is not measured each time. (micropython-mqtt on PyPI is another one's.)
# Measured on 2026-11-28 on MicroPython 1.25, 32 bits: mqtt_as 0.8.3, commit 306ea6458a77c42fe45783f79feb0d0fd0fc20c8
# of peterhinch/micropython-mqtt, compiled and run as the others are. MQTT 5 is a second file, which a client loads that
# asks for it. `machine` and `network`, which the VM lacks and a board's firmware has, are stubs, imported before it is
# measured; both take 576 bytes, which are subtracted from the smallest heap, rounded up to a step. The echo program is
# like that of aiomqttc, with `config["queue_len"] = 4` and `connect(quick=True)`; not tried over TLS.
MEASURED_ONCE = ("mqtt_as, measured once", "with its MQTT 5")


class Client(NamedTuple):
    """
    module    what a program imports MQTTClient from
    archives  names in tools.other_clients that it is made of; none is a build of umqtt2
    part      the profile of umqtt2 that it is a part of, when it is not a whole one
    program   the echo program, one for each API; "" for a part that is not asked
    tls       whether it has TLS
    echo_tls  whether the program knows TLS
    made      what makes a client
    """

    module: str
    archives: tuple[str, ...] = ()
    part: str = ""
    program: str = "echo"
    tls: bool = True
    echo_tls: bool = True
    made: str = MADE

    def lay_out(self, target: Path, program: str, name: str) -> None:
        """Put what goes into a board's /lib into `target`, compiled, and a program, `name` there, that imports it."""
        if not self.archives:
            install(self.part, target)
        for archive in self.archives:
            lay_out_other(archive, target, FLAGS)
            put(PROGRAMS / "ussl.py", target / "ussl.py", flags=FLAGS)
        text = (PROGRAMS / f"{program}.py").read_text(encoding="utf-8").replace(MADE, self.made)
        draft = target / f"{name}.py"
        draft.write_text(text.replace("from umqtt2 import", f"from {self.module} import"), encoding="utf-8")
        put(draft, draft.with_suffix(".mpy"), flags=FLAGS)
        draft.unlink()


CLIENTS = {
    **{name: Client("umqtt2", part=name, tls=name != "core") for name in PROFILES if name != "aio"},
    "umqtt.simple": Client("umqtt.simple", ("umqtt.simple",)),
    "umqtt.simple2": Client("umqtt.simple2", ("umqtt.simple2",)),
    "robust, of full": Client("umqtt2.robust", part="full", program=""),
    "umqtt.robust": Client("umqtt.robust", ("umqtt.simple", "umqtt.robust")),
    "umqtt.robust2": Client("umqtt.robust2", ("umqtt.simple2", "umqtt.robust2")),
    "aio": Client("umqtt2.aio", part="aio", program="echo_aio"),
    "aio, of full": Client("umqtt2.aio", part="full", program="echo_aio"),
    "aiomqttc": Client("aiomqttc", ("aiomqttc",), program="echo_aiomqttc", echo_tls=False),
    # Not that chumicro had no TLS: it is a module of its own, loaded by the program.
    "chumicro-mqtt": Client(
        "chumicro_mqtt",
        ("chumicro-mqtt", "chumicro-sockets", "chumicro-timing"),
        program="echo_chumicro",
        tls=False,
        made='MQTTClient(transport_factory=print, client_id="sizes")',
    ),
}


def options(parser: argparse.ArgumentParser) -> None:
    """Which clients, and how much of each."""
    clients_option(parser, CLIENTS)
    parser.add_argument("--quick", action="store_true", help="leave out the smallest heaps")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the clients that are wanted, or all of them."""
    chosen = options.client or list(CLIENTS)
    found = {name: cost(CLIENTS[name]) for name in chosen}
    if not options.quick:
        with running() as endpoints:
            for name in chosen:
                with terminal().status(f"{name}: looking for the smallest heap"):
                    found[name].update(heaps(CLIENTS[name], endpoints))
    if not options.client:
        found.update({name: published.read("sizes")["clients"][name] for name in MEASURED_ONCE})
    version = bytes_on()
    if options.docs:
        ours = [name for name in PROFILES if name in found]
        BYTES.write(version, {name: {key: found[name].get(key) for key in LIMITED} for name in ours})
    return {"vm": version, "clients": found}


def cost(client: Client) -> Figures:
    """The figures that need no network; they are exact, and the same each time.

    The VM's tables of names double: the 15th, 55th, 135th and 295th take 304, 608, 1,168 and 2,272 bytes. So a name
    more or less, also of the program's own, can change import_heap a lot, the length of a path by 16 bytes.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "run")
        client.lay_out(folder, "cost", "cost")
        lines = vm.output(fetch.vm32(), folder, ROOMY_KB, "-m", "cost")
        heap, object_heap, *loaded = [line for line in lines if "qstr pool" not in line]
        sizes = {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*.mpy")}
        return {
            "mpy_bytes": sum(size for name, size in sizes.items() if name not in ("cost.mpy", "ussl.mpy")),
            "loaded_bytes": sum(sizes[name] for name in loaded if name in sizes),
            "import_heap": int(heap),
            "tls_import_heap": int(heap) + _tls(client, folder) if client.tls else None,
            "object_heap": int(object_heap),
        }


def _tls(client: Client, folder: Path) -> int:
    """What TLS adds to the import; for the other clients it is a module of the firmware."""
    if client.archives:
        return 0
    put(PROGRAMS / "modules.py", folder / "modules.mpy", flags=FLAGS)
    names = (client.module, f"{client.module.partition('.')[0]}.transport.tls")
    return int(vm.output(fetch.vm32(), folder, ROOMY_KB, "-m", "modules", *names)[1].split()[1])


def heaps(client: Client, endpoints: Endpoints) -> Figures:
    """The smallest heaps. A client that no program is written for has none."""
    found: Figures = {}
    if client.program:
        for name, tls in (("plain_heap", False), ("tls_heap", True)):
            found[name] = None
            if not tls or (client.tls and client.echo_tls):
                with prepared(client, endpoints, tls) as echo:
                    found[name] = echo.smallest_heap()
    return found


class Endpoints(NamedTuple):
    """How to reach the broker; `ca` is the file of its CA, and `laptop` is connected to it."""

    plain: int
    tls: int
    ca: str
    laptop: Observer


class Echo(NamedTuple):
    """A typical small program, ready to be run in a heap of any size: connect, subscribe, publish each message back at
    QoS 1."""

    folder: Path
    laptop: Observer
    arguments: list[str]

    def fails_in(self, heap: int) -> str:
        """Why it does not echo all messages with a heap of that many bytes; "" when it does."""
        run = next(RUNS)
        wanted = [Message(f"{run}/{i} ".encode().ljust(SIZE, b"\0"), 1) for i in range(MESSAGES)]
        # The first is retained, so it waits for the device to subscribe. Each other one is sent when one has come back.
        self.laptop.publish(DOWN, wanted[0].payload, 1, retain=True)
        kilobytes = heap / 1024 / vm.words(fetch.vm32())
        end = time.monotonic() + SECONDS
        with vm.start(fetch.vm32(), self.folder, kilobytes, "-m", "echo", *self.arguments) as process:
            for i, message in enumerate(wanted):
                if i:
                    self.laptop.publish(DOWN, message.payload, 1)
                while not self._comes_back(message):
                    if time.monotonic() > end:
                        return f"no end within {SECONDS} s"
                    if not process.runs and (process.wait(1) or message != wanted[-1]):
                        return (process.output or ["some messages did not come back"])[-1]
            return (process.output or ["it failed at the end"])[-1] if process.wait(SECONDS) else ""

    def _comes_back(self, message: Message) -> bool:
        try:
            return self.laptop.next(UP, LOOK) == message
        except AssertionError:
            return False

    def smallest_heap(self) -> int | None:
        """Bytes, by halving between nothing and MOST; None when it does not even run in MOST."""
        if self.fails_in(MOST):
            return None
        low, high = 0, MOST // STEP  # does not run, runs; in steps
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.fails_in(middle * STEP) else (low, middle)
        # Near the limit it depends on when garbage is collected, which varies from run to run.
        while high * STEP < MOST and any(self.fails_in(high * STEP) for _ in range(TIMES)):
            high += 1
        return high * STEP


@contextmanager
def prepared(client: Client, endpoints: Endpoints, tls: bool) -> Iterator[Echo]:
    """Compile the program for a client."""
    with tempfile.TemporaryDirectory() as place:
        client.lay_out(Path(place), client.program, "echo")
        arguments = [endpoints.tls, MESSAGES, endpoints.ca] if tls else [endpoints.plain, MESSAGES]
        yield Echo(Path(place), endpoints.laptop, list(map(str, arguments)))


@contextmanager
def running() -> Iterator[Endpoints]:
    """Run a broker, and a laptop that sends messages."""
    with tempfile.TemporaryDirectory() as place:
        certificates = Certificates(Path(place))
        with Mosquitto(Path(place), certificates, [Listener("plain"), Listener("tls", "server")]) as mosquitto:
            with Observer(hostname=HOST, port=mosquitto.port("plain")) as laptop:
                laptop.subscribe(UP)
                yield Endpoints(mosquitto.port("plain"), mosquitto.port("tls"), certificates.der("ca"), laptop)


def parts(figures: dict[str, Any]) -> dict[str, Table]:
    """A table of all that was measured, and those of the pages."""
    clients = figures["clients"]
    rows = {name: name for name in clients}
    titles = {**TITLES, "object_heap": "heap: client"}
    shown = {name: title for name, title in titles.items() if any(name in row for row in clients.values())}
    every = table(f"Bytes of flash and heap, {figures['vm']}", clients, rows, shown)
    name, limits = TARGET
    every.rows.append([f"{name} must reach", *(f"≤ {limits[key]:,}" if key in limits else "" for key in shown)])
    boards = {f"`{name}`" if name in PROFILES else "`full`, `umqtt2.aio`": name for name in BOARDS}
    found = {"": every}
    if set(ROWS.values()) <= set(clients):
        found["sizes"] = table("", clients, ROWS, TITLES)
        found["sizes of profiles"] = table("", clients, boards, {name: TITLES[name] for name in LIMITED}, "profile")
    return found


def table(title: str, clients: Any, rows: dict[str, str], columns: dict[str, str], first: str = "") -> Table:
    """rows: from a title to the client; columns: from a figure to its title; first: the title of the clients."""
    lines = []
    for row, name in rows.items():
        files = {"mpy_bytes": None} if " of " in name else {}  # a part of a profile has none of its own
        lines.append([row, *(number({**clients[name], **files}.get(key)) for key in columns)])
    return Table(title, [first, *columns.values()], lines)


def draw(figures: dict[str, Any], folder: Path) -> None:
    """A panel for each figure."""
    titles = {re.sub(r" \(.*\)|`", "", title): name for title, name in ROWS.items()}
    titles = {re.sub(r"^its umqtt2\.(\w+),.*", r"umqtt2, \1 of full", title): name for title, name in titles.items()}
    panels = {}
    for key, heading in PANELS.items():
        values = {title: figures["clients"][name].get(key) for title, name in titles.items()}
        panels[heading] = {title: [value] for title, value in values.items() if value}
    pictures.bars(folder / "performance" / "size.svg", "What a board pays: bytes of flash and of heap", panels)


def problems(figures: dict[str, Any]) -> list[str]:
    """What is over the budget."""
    return [line for name, row in figures["clients"].items() for line in BYTES.exceeded(name, row)]
