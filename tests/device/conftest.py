"""Fixtures: a broker, an observer at the broker's side, and MicroPython to run programs on."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple

import pytest

from tests.device import table
from tests.device.device import Device
from tests.device.machine import PROGRAMS, Board, Vm
from tools import fetch
from tools.errors import ToolError
from tools.micropython import probe
from tools.paths import REPO
from tools.tables import show
from tools.testkit.board import BoardSetup, install
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import LISTENERS, Mosquitto
from tools.testkit.observer import Observer
from tools.testkit.tree import lay_out
from tools.testkit.vm import reads_mpy

PLAIN = [listener for listener in LISTENERS if not listener.certificate]
SELECTION = ["anonymous", "tls"]  # of the listeners, where not all are tried
SOME = [listener for listener in LISTENERS if listener.name in SELECTION]
TREES = {"source": LISTENERS, "core": PLAIN, "simple": LISTENERS, "full": LISTENERS, "simple5": SOME}
FULL = ["source", "full"]
FIVE = [*FULL, "simple5"]
ASYNC = ["source", "full", "aio"]
WITH_TLS = ["source", "simple"]  # for tests that are not scenarios
MAIN = "vm32"
VMS = {"vm32": fetch.vm32, "vm64": fetch.vm64, "vm-newest": fetch.vm_newest}


class Variant(NamedTuple):
    """One combination that a scenario runs on."""

    machine: str
    tree: str
    listener: str
    gc_stress: bool = False  # the garbage collector runs at nearly every allocation

    def __str__(self) -> str:
        return "-".join([self.machine, self.tree, self.listener, *(["gc-stress"] if self.gc_stress else [])])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--board", metavar="PORT", help="run the scenarios on a board")
    parser.addoption("--board-config", metavar="FILE", default=REPO / "board.ini", help="default: %(default)s")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "everywhere: runs on every VM, not on the 32-bit one alone")
    config.addinivalue_line("markers", "few: takes long, so on few listeners")
    config.addinivalue_line("markers", "full: needs what the profile `full` has and others leave out")
    config.addinivalue_line("markers", "aio: needs umqtt2.aio, which the profiles `full` and `aio` have")
    config.addinivalue_line("markers", "five: needs MQTT 5, which the profiles `full` and `simple5` have")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `each_device` its variants: each listener on the 32-bit VM, and a selection on the others."""
    if "variant" not in metafunc.fixturenames:
        return
    if metafunc.config.getoption("--board", None):
        variants = [Variant("board", "source", "board.ini")]
    else:
        marker = metafunc.definition.get_closest_marker
        if marker("five"):
            trees = FULL if marker("full") else FIVE
        else:
            trees = ASYNC if marker("aio") else FULL if marker("full") else list(TREES)
        few = marker("few")
        variants = [
            Variant(MAIN, tree, item.name)
            for tree in trees
            for item in TREES.get(tree, LISTENERS)
            if item.name in SELECTION or not few
        ]
        if marker("everywhere"):
            others = [name for name in VMS if name != MAIN]
            variants += [Variant(name, "source", listener) for name in others for listener in SELECTION]
            tree = "aio" if marker("aio") else "full"
            variants.append(Variant(MAIN, tree, "anonymous", True))
    metafunc.parametrize("variant", variants, ids=list(map(str, variants)))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mosquitto]:
    """The one mosquitto of the run."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto"), certificates) as mosquitto:
        yield mosquitto


@pytest.fixture(scope="session")
def quick_broker(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mosquitto]:
    """One that does not wait for TCP's acknowledgements before it sends more, for many round trips."""
    lines = ["per_listener_settings true", "set_tcp_nodelay true"]
    with Mosquitto(tmp_path_factory.mktemp("quick"), certificates, LISTENERS, lines) as mosquitto:
        yield mosquitto


@pytest.fixture(scope="session")
def setup(request: pytest.FixtureRequest) -> BoardSetup | None:
    """What board.ini says, when the tests are run on a board; the board is made ready."""
    port = request.config.getoption("--board", None)
    if not port:
        return None
    try:
        found = BoardSetup(Path(request.config.getoption("--board-config")))
        install(port, PROGRAMS, found.ca)
    except ToolError as error:
        pytest.exit(str(error), 1)
    return found


@pytest.fixture(scope="session")
def observer(request: pytest.FixtureRequest, setup: BoardSetup | None) -> Iterator[Observer]:
    """A client at the broker's side."""
    if setup:
        settings = setup.observer
    else:
        settings = {"hostname": "127.0.0.1", "port": request.getfixturevalue("broker").port("anonymous")}
    with Observer(**settings) as client:
        yield client


@pytest.fixture(scope="session")
def machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Vm | Board]:
    """Return the machine with this name, with a tree of the package."""
    made: dict[tuple[str, str], Vm | Board] = {}

    def get(name: str, tree: str = "source") -> Vm | Board:
        if (name, tree) not in made:
            if name == "board":
                made[name, tree] = Board(request.config.getoption("--board"))
            else:
                made[name, tree] = make_vm(name, tree, tmp_path_factory.mktemp(f"{name}-{tree}"))
        return made[name, tree]

    return get


def make_vm(name: str, tree: str, folder: Path) -> Vm:
    """Get a VM ready; skip the test when it is the same one as another of the run."""
    try:
        path = VMS[name]()
        before = {other: probe(VMS[other]()) for other in itertools.takewhile(name.__ne__, VMS)}
    except ToolError as error:
        pytest.fail(str(error), pytrace=False)
    known = probe(path)
    assert known
    for other, vm in before.items():
        if vm == known:
            pytest.skip(f"{name} is the same MicroPython as {other} here")
    lay_out(tree, folder, PROGRAMS, compiled=reads_mpy(path))
    return Vm(path, folder, tree)


NUMBERS = itertools.count(1)


@pytest.fixture
def each_device(
    request: pytest.FixtureRequest,
    variant: Variant,
    machine: Callable[..., Vm | Board],
    observer: Observer,
    setup: BoardSetup | None,
    record_property: Callable[[str, object], None],
) -> Device:
    """A device for each variant, with its own topics."""
    machine_name = f"{variant.machine} with GC stress" if variant.gc_stress else variant.machine
    record_property(table.CELL, (machine_name, variant.tree, request.function.__name__[5:], variant.listener))
    broker = None if setup else request.getfixturevalue("broker")
    settings: dict[str, Any] = dict(setup.client) if setup else broker.settings(variant.listener)
    extra: dict[str, Any] = {"wifi": setup.wifi} if setup and setup.wifi else {}
    if variant.gc_stress:
        extra["gc_stress"] = True
    return Device(
        prefix=f"umqtt2/{next(NUMBERS)}",
        listener=variant.listener,
        client=settings,
        machine=machine(variant.machine, variant.tree),
        observer=observer,
        broker=broker,
        record=record_property,
        extra=extra,
    )


@pytest.fixture(scope="session", params=WITH_TLS)
def tree(request: pytest.FixtureRequest) -> str:
    """The build of the package, or its source."""
    return str(request.param)


@pytest.fixture
def device(machine: Callable[..., Vm | Board], tree: str, broker: Mosquitto, observer: Observer) -> Device:
    """The 32-bit VM with the anonymous listener, for tests that are not scenarios."""
    return Device(
        prefix=f"umqtt2/{next(NUMBERS)}",
        listener="anonymous",
        client=broker.settings("anonymous"),
        machine=machine(MAIN, tree),
        observer=observer,
        broker=broker,
        record=lambda name, value: None,
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the time of each scenario."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    for one in table.tables(reports):
        show(one)
