"""The clients that are measured: the profiles of umqtt2 and the other clients."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tools.device import PROFILES, install
from tools.testkit.tree import lay_out_other, put

PROGRAMS = Path(__file__).parent / "programs"
ROOMY_KB = 512  # of heap, when it is not what is measured
# Those of tools.device: no line numbers, and a name for tracebacks that costs nothing.
FLAGS = ("-O3", "-s", "main")


class Client(NamedTuple):
    """
    name       in the tables
    module     what a program imports MQTTClient from
    archives   names of the archives that it is made of; none is a profile of umqtt2
    tls        whether it has TLS at all
    part       the profile of umqtt2 that it is a part of, when it is not a whole one
    arguments  of MQTTClient
    program    the echo program, see `tools.measure.sizes.echo`: one for each API; "" for a part that is not asked
    echo_tls   whether that program knows TLS
    """

    name: str
    module: str
    archives: tuple[str, ...] = ()
    tls: bool = True
    part: str = ""
    arguments: str = '"sizes", "localhost"'
    program: str = "echo"
    echo_tls: bool = True

    @property
    def ours(self) -> bool:
        """Whether it is a profile of umqtt2, or a part of one."""
        return not self.archives

    def lay_out(self, target: Path, optimise: bool = True) -> None:
        """Put what goes into a board's /lib into `target`, compiled.

        optimise  with the flags of our own builds; else as mpy-cross does by itself
        """
        if self.ours:
            install(self.part or self.name, target)
        for name in self.archives:
            lay_out_other(name, target, FLAGS if optimise else ())

    def lay_out_ussl(self, target: Path) -> None:
        """Add what the other clients need for TLS and a board's firmware has."""
        if not self.ours:
            put(PROGRAMS / "ussl.py", target / "ussl.py", flags=FLAGS)


def compile_program(source: Path, target: Path, module: str, arguments: str = "") -> None:
    """Compile a program of ours, with its one line that imports the client from `module`.

    arguments: of MQTTClient, in place of those that the program has
    """
    line, made = "from umqtt2 import MQTTClient", 'MQTTClient("sizes", "localhost")'
    text = source.read_text(encoding="utf-8")
    assert line in text and (made in text or not arguments)
    text = text.replace(made, f"MQTTClient({arguments})") if arguments else text
    draft = target.with_suffix(".py")
    draft.parent.mkdir(parents=True, exist_ok=True)
    draft.write_text(text.replace(line, f"from {module} import MQTTClient"), encoding="utf-8")
    put(draft, target, flags=FLAGS)
    draft.unlink()


def mpy_bytes(folder: Path) -> int:
    """Bytes of all .mpy files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*.mpy"))


# Neither PyPI nor npm has it, so it is not measured each time. (micropython-mqtt on PyPI is another one's, of 2020.)
# Measured on 2026-11-28 on MicroPython 1.25, 32 bits: mqtt_as 0.8.3, commit 306ea6458a77c42fe45783f79feb0d0fd0fc20c8
# of peterhinch/micropython-mqtt, its files mqtt_as/__init__.py and mqtt_v5_properties.py, compiled and run as the
# others are, by the steps of programs/cost.py with `from mqtt_as import MQTTClient, config`. MQTT 5 is the second
# file, which a client loads that asks for it; import_heap with it is that of both files.
# `machine` and `network`, which the VM lacks and a board's firmware has, are stubs (`unique_id`; a `WLAN` that is
# connected): the program has them imported before it measures. Both together take 576 bytes; they are subtracted
# from the smallest heap, 25,600 bytes, rounded up to a step. The echo program is like that of aiomqttc, with
# `config["queue_len"] = 4`, `connect(quick=True)` and `async for _, payload, _ in c.queue`; not tried over TLS.
# Without -O3, so with line numbers and its `assert`s: heap 18,096, with MQTT 5 20,352. The `assert`s alone, which -O1
# leaves out: 88 bytes and 272 of heap.
MEASURED_ONCE = {
    "mqtt_as, measured once": {
        "files": 1,
        "mpy_bytes": 10322,
        "plain_bytes": 11262,
        "loaded_bytes": 10322,
        "import_heap": 17184,
        "tls_import_heap": 17184,
        "names": 144,
        "object_heap": 576,
        "plain_heap": 25088,
    },
    "with its MQTT 5": {
        "files": 2,
        "mpy_bytes": 10322 + 1534,
        "plain_bytes": 11262 + 1756,
        "loaded_bytes": 10322 + 1534,
        "import_heap": 19312,
        "tls_import_heap": 19312,
        "names": 166,
    },
}

CLIENTS: dict[str, Client] = {
    client.name: client
    for client in (
        *(Client(name, "umqtt2", tls=name != "core") for name in PROFILES if name != "aio"),
        Client("umqtt.simple", "umqtt.simple", ("umqtt.simple",)),
        Client("umqtt.simple2", "umqtt.simple2", ("umqtt.simple2",)),
        Client("robust, of full", "umqtt2.robust", part="full", program=""),
        Client("umqtt.robust", "umqtt.robust", ("umqtt.simple", "umqtt.robust")),
        Client("umqtt.robust2", "umqtt.robust2", ("umqtt.simple2", "umqtt.robust2")),
        Client("aio", "umqtt2.aio", program="echo_aio"),
        Client("aio, of full", "umqtt2.aio", part="full", program="echo_aio"),
        Client("aiomqttc", "aiomqttc", ("aiomqttc",), program="echo_aiomqttc", echo_tls=False),
        Client(
            "chumicro-mqtt",
            "chumicro_mqtt",
            ("chumicro-mqtt", "chumicro-sockets", "chumicro-timing"),
            tls=False,  # not that it had none: it is a module of its own, loaded by the program
            arguments='transport_factory=print, client_id="sizes"',
            program="echo_chumicro",
        ),
    )
}
