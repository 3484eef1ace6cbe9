"""Wi-Fi that the client brings up, on the 32-bit VM and on CPython: three kinds of boards, with a broker that is really
there."""

from __future__ import annotations

import errno
import sys
from typing import Callable

import pytest

from tests.device.conftest import MAIN, NUMBERS
from tests.device.machine import PROGRAMS, Board, Vm
from tools.paths import REPO
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Message, Observer
from tools.testkit.proxy import Proxy
from tools.testkit.vm import Run


def check(start: Callable[[dict[str, object]], Run], broker: Mosquitto, observer: Observer, **config: object) -> None:
    prefix = f"umqtt2/wifi/{next(NUMBERS)}"
    topic = prefix + "/up"
    observer.subscribe(topic)
    with Proxy(broker.port("anonymous")) as proxy:
        client = {**broker.settings("anonymous"), "port": proxy.port}
        with start({"prefix": prefix, "client": client, **config}) as run:
            number, text = run.event("failed")["error"]
            assert (number, text) == (errno.EHOSTUNREACH, "wifi: home not found; is it 2.4 GHz?")
            run.event("up")
            assert observer.next(topic) == Message(b"late", 1)
            proxy.cut()
            assert run.event("failed")["error"] == ["wifi: wrong password for home"]
            assert observer.next(topic) == Message(b"again", 1)
            run.done()


@pytest.mark.parametrize(
    ("kind", "aio", "tree"),
    [
        ("esp32", False, "source"),
        ("esp8266", False, "full"),
        ("rp2", True, "full"),
        ("esp32", True, "source"),
    ],
)
def test_on_the_vm(
    machine: Callable[..., Vm | Board], broker: Mosquitto, observer: Observer, kind: str, aio: bool, tree: str
) -> None:
    vm = machine(MAIN, tree)
    check(lambda config: vm.start("on_wifi", config), broker, observer, kind=kind, aio=aio)


@pytest.mark.parametrize(("kind", "aio"), [("esp8266", True), ("rp2", False)])
def test_on_cpython(broker: Mosquitto, observer: Observer, kind: str, aio: bool) -> None:
    def start(config: dict[str, object]) -> Run:
        code = f"import harness; harness.main('on_wifi', {config!r})"
        return Run([sys.executable, "-c", code], REPO, {"PYTHONPATH": f"{REPO}:{PROGRAMS}", "PYTHONUNBUFFERED": "1"})

    check(start, broker, observer, kind=kind, aio=aio)
