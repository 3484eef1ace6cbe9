"""A typical small program: connect, subscribe, publish each message back at QoS 1."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tools import fetch
from tools.measure.sizes.clients import PROGRAMS, Client, compile_program
from tools.testkit import vm
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto

MESSAGES = 20
SIZE = 32  # bytes of a message
SECONDS = 30
STEP = 256  # bytes of heap
MOST = 48 * 1024
TIMES = 3  # consecutive successes that are required
DOWN, UP = "sizes/down", "sizes/up"


class Laptop:
    """Sends messages to the device, each after the previous one has come back."""

    def __init__(self, port: int) -> None:
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._ready = threading.Event()
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *facts: self._ready.set()
        self._all = threading.Event()
        self._run = self._back = 0
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(UP, 1)
        assert self._ready.wait(SECONDS)

    def begin(self) -> None:
        """Start again. The first message is retained, so it waits for the device to subscribe."""
        self._run += 1
        self._back = 0
        self._all.clear()
        self._client.publish(DOWN, self._message(), 1, retain=True).wait_for_publish(SECONDS)

    def done(self, seconds: float) -> bool:
        """Whether all messages come back within some seconds."""
        return self._all.wait(seconds)

    def close(self) -> None:
        """Disconnect, and delete the retained message."""
        self._client.publish(DOWN, b"", 1, retain=True).wait_for_publish(SECONDS)
        self._client.disconnect()
        self._client.loop_stop()

    def _message(self) -> bytes:
        return b"%d/%d " % (self._run, self._back) + bytes(SIZE - len(f"{self._run}/{self._back} "))

    def _on_message(self, client: paho.Client, data: object, message: paho.MQTTMessage) -> None:
        if message.payload == self._message() and message.qos == 1:
            self._back += 1
            if self._back == MESSAGES:
                self._all.set()
            else:
                client.publish(DOWN, self._message(), 1)


class Echo:
    """The program with one client, ready to be run in a heap of any size."""

    def __init__(self, folder: Path, laptop: Laptop, port: int, ca: str = "") -> None:
        """ca: the file of the CA that signed the broker's certificate; "" is plain TCP."""
        self.why = ""  # the last line of the last run that failed
        self._folder = folder
        self._laptop = laptop
        self._arguments = [str(port), str(MESSAGES)] + [ca] * bool(ca)

    def runs_in(self, heap: int) -> bool:
        """Whether it echoes all messages with a heap of that many bytes."""
        self._laptop.begin()
        try:
            arguments = ("-m", "echo", *self._arguments)
            kilobytes = heap / 1024 / vm.words(fetch.vm32())
            done = vm.run(fetch.vm32(), self._folder, kilobytes, *arguments, seconds=SECONDS)
        except subprocess.TimeoutExpired:
            self.why = f"no end within {SECONDS} s"
            return False
        self.why = (done.stdout.strip().splitlines() or ["some messages did not come back"])[-1]
        return done.returncode == 0 and self._laptop.done(1)


@contextmanager
def prepared(client: Client, laptop: Laptop, port: int, ca: str = "") -> Iterator[Echo]:
    """Compile the program for a client."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        client.lay_out(folder)
        if ca:
            client.lay_out_ussl(folder)
        compile_program(PROGRAMS / f"{client.program}.py", folder / "echo.mpy", client.module)
        yield Echo(folder, laptop, port, ca)


def smallest_heap(echo: Echo) -> int | None:
    """Bytes, by halving between nothing and MOST; None when it does not even run in MOST."""
    if not echo.runs_in(MOST):
        return None
    low, high = 0, MOST // STEP  # does not run, runs; in steps
    while high - low > 1:
        middle = (low + high) // 2
        if echo.runs_in(middle * STEP):
            high = middle
        else:
            low = middle
    # Near the limit it depends on when garbage is collected, which varies from run to run.
    while high * STEP < MOST and not all(echo.runs_in(high * STEP) for _ in range(TIMES)):
        high += 1
    return high * STEP


class Endpoints(NamedTuple):
    """How to reach the broker; `ca` is the file of its CA, and `laptop` is connected to it."""

    plain: int
    tls: int
    ca: str
    laptop: Laptop


@contextmanager
def running() -> Iterator[Endpoints]:
    """Run a broker, and a laptop that sends messages."""
    listeners = [Listener("plain"), Listener("tls", "server")]
    with tempfile.TemporaryDirectory() as folder:
        certificates = Certificates(Path(folder))
        with Mosquitto(Path(folder), certificates, listeners) as mosquitto:
            laptop = Laptop(mosquitto.port("plain"))
            try:
                yield Endpoints(mosquitto.port("plain"), mosquitto.port("tls"), certificates.der("ca"), laptop)
            finally:
                laptop.close()
