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
BOARDS = ("core", "simple", "simple5", "full", "aio, of full", "aio")  # rows of docs/boards.md
PANELS = {
    "mpy_bytes": ".mpy files",
    "import_heap": "heap taken by the import",
    "plain_heap": "smallest heap that connects, subscribes and echoes 20 messages at QoS 1",
    "tls_heap": "the same over TLS, with a verified certificate",
}


class Client(NamedTuple):
    """
    title     its row in docs/performance.md; "" if it has none
    module    what a program imports MQTTClient from; "" if its published figures stay
    made_of   a profile of umqtt2, or a name in tools.other_clients
    program   the echo program, one for each API; "" for a part that is not asked
    tls       whether it has TLS
    echo_tls  whether the program knows TLS
    made      what makes a client
    """

    title: str
    module: str = ""
    made_of: str = ""
    program: str = "echo"
    tls: bool = True
    echo_tls: bool = True
    made: str = MADE

    def lay_out(self, target: Path, program: str, name: str) -> None:
        """Put what goes into a board's /lib into `target`, compiled, and a program, `name` there, that imports it."""
        if self.made_of in PROFILES:
            install(self.made_of, target)
        else:
            lay_out_other(self.made_of, target, FLAGS)
            put(PROGRAMS / "ussl.py", target / "ussl.py", flags=FLAGS)
        text = (PROGRAMS / f"{program}.py").read_text(encoding="utf-8").replace(MADE, self.made)
        draft = target / f"{name}.py"
        draft.write_text(text.replace("from umqtt2 import", f"from {self.module} import"), encoding="utf-8")
        put(draft, draft.with_suffix(".mpy"), flags=FLAGS)
        draft.unlink()


CLIENTS = {
    "simple": Client("umqtt2, simple", "umqtt2", "simple"),
    "core": Client("umqtt2, core", "umqtt2", "core", tls=False),
    "simple5": Client("umqtt2, simple5 (MQTT 5 alone)", "umqtt2", "simple5"),
    "full": Client("umqtt2, full", "umqtt2", "full"),
    "robust, of full": Client("its `umqtt2.robust`, all that it loads", "umqtt2.robust", "full", ""),
    "aio, of full": Client("its `umqtt2.aio`, likewise, with asyncio", "umqtt2.aio", "full", "echo_aio"),
    "aio": Client("umqtt2, aio (`umqtt2.aio`, with asyncio)", "umqtt2.aio", "aio", "echo_aio"),
    # Neither PyPI nor npm has mqtt_as, so it is not measured each time. (micropython-mqtt on PyPI is another one's.)
    # Measured on 2026-11-28 on MicroPython 1.25, 32 bits: mqtt_as 0.8.3, commit 306ea64 of peterhinch/micropython-mqtt,
    # compiled and run as the others are. MQTT 5 is a second file, which a client loads that asks for it. `machine` and
    # `network`, which the VM lacks and a board's firmware has, are stubs, imported before it is measured; both take
    # 576 bytes, which are subtracted from the smallest heap, rounded up to a step. The echo program is like that of
    # aiomqttc, with `config["queue_len"] = 4` and `connect(quick=True)`; not tried over TLS.
    "mqtt_as, measured once": Client("mqtt_as, measured once, with asyncio"),
    "with its MQTT 5": Client("with its MQTT 5, one file more"),
    "aiomqttc": Client("aiomqttc, with asyncio", "aiomqttc", "aiomqttc", "echo_aiomqttc", echo_tls=False),
    # Not that chumicro had no TLS: it is a module of its own, loaded by the program.
    "chumicro-mqtt": Client(
        "chumicro-mqtt (a loop, no asyncio), plain TCP",
        "chumicro_mqtt",
        "chumicro-mqtt",
        "echo_chumicro",
        tls=False,
        made='MQTTClient(transport_factory=print, client_id="sizes")',
    ),
    "umqtt.simple2": Client("umqtt.simple2", "umqtt.simple2", "umqtt.simple2"),
    "umqtt.robust2": Client("umqtt.robust2", "umqtt.robust2", "umqtt.robust2"),
    "umqtt.simple": Client("umqtt.simple", "umqtt.simple", "umqtt.simple"),
    "umqtt.robust": Client("", "umqtt.robust", "umqtt.robust"),
}
ROWS = {client.title: name for name, client in CLIENTS.items() if client.title}


def options(parser: argparse.ArgumentParser) -> None:
    """Which clients, and how much of each."""
    clients_option(parser, CLIENTS)
    parser.add_argument("--quick", action="store_true", help="leave out the smallest heaps")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the clients that are wanted, or all of them."""
    old = published.read("sizes")["clients"]
    found = {}
    with running() as laptop:
        for name in options.client or CLIENTS:
            client = CLIENTS[name]
            with terminal().status(f"{name}: measuring"):
                found[name] = cost(client) if client.module else old[name]
                if client.program and client.module and not options.quick:
                    found[name].update(heaps(client, laptop))
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
    if client.made_of not in PROFILES:
        return 0
    put(PROGRAMS / "modules.py", folder / "modules.mpy", flags=FLAGS)
    names = (client.module, f"{client.module.partition('.')[0]}.transport.tls")
    return int(vm.output(fetch.vm32(), folder, ROOMY_KB, "-m", "modules", *names)[1].split()[1])


def heaps(client: Client, laptop: Laptop) -> Figures:
    """The smallest heaps in which a client echoes messages."""
    with tempfile.TemporaryDirectory() as place:
        client.lay_out(Path(place), client.program, "echo")
        return {
            "plain_heap": laptop.smallest_heap(Path(place), tls=False),
            "tls_heap": laptop.smallest_heap(Path(place), tls=True) if client.tls and client.echo_tls else None,
        }


class Laptop(NamedTuple):
    """A client of the broker that sends messages to a device, whose program publishes each of them back at QoS 1.

    plain  what the program gets on its command line: port and number of messages
    tls    likewise, for TLS: also the file of the CA
    """

    observer: Observer
    plain: list[str]
    tls: list[str]

    def fails_in(self, folder: Path, tls: bool, heap: int) -> str:
        """Why the program in a folder does not echo all messages with a heap of that many bytes; "" when it does."""
        run = next(RUNS)
        wanted = [Message(f"{run}/{i} ".encode().ljust(SIZE, b"\0"), 1) for i in range(MESSAGES)]
        # The first is retained, so it waits for the device to subscribe. Each other one is sent when one has come back.
        self.observer.publish(DOWN, wanted[0].payload, 1, retain=True)
        kilobytes = heap / 1024 / vm.words(fetch.vm32())
        end = time.monotonic() + SECONDS
        with vm.start(fetch.vm32(), folder, kilobytes, "-m", "echo", *(self.tls if tls else self.plain)) as process:
            for i, message in enumerate(wanted):
                if i:
                    self.observer.publish(DOWN, message.payload, 1)
                while not self._comes_back(message):
                    if time.monotonic() > end:
                        return f"no end within {SECONDS} s"
                    if not process.runs and (process.wait(1) or message != wanted[-1]):
                        return (process.output or ["some messages did not come back"])[-1]
            return (process.output or ["it failed at the end"])[-1] if process.wait(SECONDS) else ""

    def _comes_back(self, message: Message) -> bool:
        try:
            return self.observer.next(UP, LOOK) == message
        except AssertionError:
            return False

    def smallest_heap(self, folder: Path, tls: bool) -> int | None:
        """Bytes, by halving between nothing and MOST; None when it does not even run in MOST."""
        if self.fails_in(folder, tls, MOST):
            return None
        low, high = 0, MOST // STEP  # does not run, runs; in steps
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.fails_in(folder, tls, middle * STEP) else (low, middle)
        # Near the limit it depends on when garbage is collected, which varies from run to run.
        while high * STEP < MOST and any(self.fails_in(folder, tls, high * STEP) for _ in range(TIMES)):
            high += 1
        return high * STEP


@contextmanager
def running() -> Iterator[Laptop]:
    """Run a broker, and a laptop that sends messages."""
    listeners = [Listener("plain"), Listener("tls", "server")]
    with tempfile.TemporaryDirectory() as place:
        certificates = Certificates(Path(place))
        with Mosquitto(Path(place), certificates, listeners) as broker:
            with Observer(hostname=HOST, port=broker.port("plain")) as observer:
                observer.subscribe(UP)
                plain, tls = ([str(broker.port(each.name)), str(MESSAGES)] for each in listeners)
                yield Laptop(observer, plain, [*tls, certificates.der("ca")])


def parts(figures: dict[str, Any]) -> dict[str, Table]:
    """A table of all that was measured, and those of the pages."""
    clients = figures["clients"]
    titles = {**TITLES, "object_heap": "heap: client"}
    shown = {name: title for name, title in titles.items() if any(name in row for row in clients.values())}
    every = table(f"Bytes of flash and heap, {figures['vm']}", clients, {name: name for name in clients}, shown)
    name, limits = TARGET
    every.rows.append([f"{name} must reach", *(f"≤ {limits[key]:,}" if key in limits else "" for key in shown)])
    found = {"": every}
    if set(ROWS.values()) <= set(clients):
        boards = {f"`{name}`" if name in PROFILES else "`full`, `umqtt2.aio`": name for name in BOARDS}
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
