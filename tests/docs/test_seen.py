"""docs/troubleshooting.md, "What you see": each row is what a VM prints with mosquitto and that mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import DOCS
from tests.mistakes.table import Dated
from tools import fetch
from tools.device import install
from tools.testkit import vm
from tools.testkit.mosquitto import PASSWORD, USER, Listener, Mosquitto
from tools.testkit.ports import free_port
from tools.testkit.proxy import Server, cut, silent
from umqtt2 import texts

PAGE = DOCS / "troubleshooting.md"
LISTENERS = [
    Listener("plain"),
    Listener("password", user=True),
    Listener("tls", "server"),
    Listener("expired", "expired"),
    Listener("future", "future"),
    Listener("wrong-name", "wrong-name"),
    Listener("client", "server", client_certificate=True),
]
PROGRAM = """
from umqtt2 import MQTTClient
def show(*args): print(*args)
client = MQTTClient("a", {server!r}, {port}{more})
client.set_callback(show)
"""
ASYNCIO = """
import asyncio
from umqtt2.aio import MQTTClient
client = MQTTClient("a", {server!r}, {port}{more}, verbose=False)
asyncio.run(client.connect())
"""
LATER = {
    "before connect": 'client.publish("a", "b")',
    "no check_msg": """
client.connect()
for i in range(21):
    client.publish("a", "b", qos=1)
""",
    "no callback": 'client.connect()\nclient.set_callback(None)\nclient.subscribe("a")',
    "int": 'client.connect()\nclient.publish("a", 21.5)',
    "empty identifier": 'client.client_id = ""\nclient.connect(clean_session=False)',
    "two arguments": """
def on_message(topic, msg): pass
client.connect()
client.set_callback(on_message)
client.subscribe("a")
client.publish("a", "b")
while True:
    client.check_msg()
""",
    "same identifier": """
client.connect()
other = MQTTClient("a", {server!r}, {port})
other.connect()
while True:
    client.check_msg()
""",
    "asleep": """
import time
client.keepalive = 1
client.connect()
while True:
    time.sleep(4)
    client.check_msg()
""",
}


class Seen:
    """Makes mistakes, and gives what is printed."""

    def __init__(self, folder: Path, broker: Mosquitto, silent_port: int, cutting_port: int) -> None:
        self.folder = folder
        self.broker = broker
        self.silent_port = silent_port
        self.cutting_port = cutting_port
        self._made: dict[str, str] = {}

    def _arguments(self, mistake: str) -> tuple[str, int, str]:
        port = self.broker.port
        certificates = self.broker.certificates
        tls = f', ssl=True, ssl_params={{"cadata": {certificates.der("ca")!r}}}'
        return {
            "wrong password": ("localhost", port("password"), f', user={USER!r}, password="{PASSWORD}?"'),
            "no password": ("localhost", port("password"), ""),
            "TLS on plain": ("localhost", port("plain"), tls),
            "plain on TLS": ("localhost", port("tls"), ""),
            "no client certificate": ("localhost", port("client"), tls),
            "wrong CA": ("localhost", port("tls"), tls.replace("ca.der", "other-ca.der")),
            "expired": ("localhost", port("expired"), tls),
            "clock": ("localhost", port("future"), tls),
            "wrong name": ("localhost", port("wrong-name"), tls),
            "wrong name and CA": ("localhost", port("wrong-name"), tls.replace("ca.der", "other-ca.der")),
            "address": ("127.0.0.1", port("tls"), tls),
            "no such file": ("localhost", port("tls"), tls.replace("ca.der", "nothing.der")),
            "wrong host": ("no-such-host.invalid", 1883, ""),
            "wrong port": ("localhost", free_port(), ""),
            "keepalive": ("localhost", port("plain"), ", keepalive=600"),
            "silent": ("localhost", self.silent_port, ", socket_timeout=1"),
            "closed": ("localhost", self.cutting_port, tls),
            "silent TLS": ("localhost", self.silent_port, ", socket_timeout=1" + tls),
        }.get(mistake, ("localhost", port("plain"), ""))

    def make(self, mistake: str) -> str:
        """Run the program with a mistake; return its last line."""
        if mistake not in self._made:
            self._made[mistake] = self._run(mistake, PROGRAM + LATER.get(mistake, "client.connect()"), self.folder)
        return self._made[mistake]

    def make_with_asyncio(self, mistake: str, folder: Path) -> str:
        """The same with the asyncio client."""
        return self._run(mistake, ASYNCIO, folder)

    def _run(self, mistake: str, text: str, folder: Path) -> str:
        server, port, more = self._arguments(mistake)
        names = {"server": server, "port": port, "more": more}
        for name, value in names.items():
            text = text.replace("{" + name + "!r}", repr(value)).replace("{" + name + "}", str(value))
        heap_kb = 6 if mistake == "small heap" else 128
        done = vm.run(fetch.vm32(), folder, heap_kb, "-c", text)
        return next((line for line in done.stdout.splitlines() if re.match(r"\w+(Error|Exception): ", line)), "")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """With the build `simple`, a broker, and a server that says nothing."""
    lib, folder = tmp_path_factory.mktemp("lib"), tmp_path_factory.mktemp("mosquitto")
    install("simple", lib)
    more = ["per_listener_settings true", "max_keepalive 60"]
    with Mosquitto(folder, Dated(folder), LISTENERS, more) as broker, Server(silent) as peer, Server(cut) as cutter:
        yield Seen(lib, broker, peer.port, cutter.port)


# The beginning of each row, and the mistakes that it is about.
ROWS = {
    "MQTTException: 25": ("wrong password", "no password"),
    "MQTTException: 28": ("before connect",),
    "MQTTException: 1": ("same identifier", "asleep"),
    "MQTTException: 22": ("keepalive",),
    "MQTTException: 30": ("silent", "silent TLS"),
    "MQTTException: 50": ("no check_msg",),
    "OSError: [Errno 104]": ("TLS on plain", "plain on TLS"),
    "OSError: [Errno 111]": ("wrong port",),
    "OSError: (-2, 'name not found: ...')": ("wrong host",),
    "OSError: -30592": ("no client certificate",),
    "OSError: -29312": ("closed",),
    "OSError: The certificate is not correctly signed": ("wrong CA",),
    "OSError: The certificate validity has expired": ("expired",),
    "OSError: The certificate validity starts in the future": ("clock",),
    "OSError: The certificate Common Name": ("wrong name",),
    "OSError: [Errno 2]": ("no such file",),
    "ValueError: server_hostname": ("address",),
    "ValueError: set_callback": ("no callback",),
    "TypeError: msg": ("int",),
    "TypeError: on_message() takes 2 positional arguments": ("two arguments",),
    "MemoryError": ("small heap",),
}


def is_row(said: str, row: str) -> bool:
    """Whether a line has the type and the number of a row, or its first words, whatever comes after."""
    kind, _, rest = row.partition(": ")
    number = re.search(r"-?\d+", rest)
    if not said.startswith(kind):
        return False
    return rest in said if not number else bool(re.search(rf"(?<![\d-]){number[0]}(?!\d)", said))


def test_the_table_has_these_rows() -> None:
    part = PAGE.read_text().partition("## What you see\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([^`]*)` \|", part, re.MULTILINE) == list(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_what_is_seen(seen: Seen, row: str) -> None:
    for mistake in ROWS[row]:
        said = seen.make(mistake)
        if mistake == "keepalive" and not said:
            pytest.skip("this mosquitto is older than 2.0.12: it does not look at max_keepalive with MQTT 3.1.1")
        assert is_row(said, row), f"{mistake}: {said}"


CERTIFICATES = ("wrong CA", "expired", "clock", "wrong name")


def is_advised(said: str) -> bool:
    """Whether a line is one of MicroPython's about a certificate, and says what to do."""
    return any(part in said and said.endswith(f"; {advice}") for part, advice in texts.CERTIFICATES)


@pytest.mark.parametrize("mistake", CERTIFICATES)
def test_of_a_certificate_it_is_said_what_to_do(seen: Seen, mistake: str) -> None:
    assert is_advised(seen.make(mistake))


def test_two_faults_of_a_certificate_are_two_sentences(seen: Seen) -> None:
    assert "expected CN; The certificate is not correctly signed" in seen.make("wrong name and CA")


def test_so_it_is_with_asyncio_as_long_as_the_words_are_there(seen: Seen, tmp_path: Path) -> None:
    install("aio", tmp_path)
    assert is_advised(seen.make_with_asyncio("expired", tmp_path))
    (tmp_path / "umqtt2" / "texts.mpy").unlink()
    assert seen.make_with_asyncio("expired", tmp_path) == "OSError: The certificate validity has expired"
