"""The demo itself: the device, and a laptop that watches it, sends commands and cuts its connection.

A line for each thing that happens is printed and, on a terminal always below them, what is known: `facts`.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, PIPE, STDOUT, Popen
from typing import IO
from urllib.parse import urlsplit
from uuid import uuid4

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tools import fetch
from tools.device import install
from tools.errors import ToolError
from tools.micropython import probe
from tools.paths import REPO
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from umqtt2 import MQTTClient, MQTTException

PROGRAM = REPO / "examples" / "thermometer.py"
HEAP_KB = 36  # what an ESP8266 has; a 64-bit VM needs about twice as much for the same program
SECONDS, GRACE = 12, 60  # that the device runs, and that it may need besides on a busy machine
STYLES = {"device": "cyan", "laptop": "magenta", "cut": "bold red", "back": "bold green", "": "default"}


class Demo:
    """Both sides, and what is known of them."""

    def __init__(self, host: str, port: int, ca: bytes, console: Console) -> None:
        self.host, self.port, self.ca = host, port, ca
        run = uuid4().hex[:8]  # several demos may use one broker
        self.device_id, self.laptop_id = f"demo-{run}", f"laptop-{run}"
        self.topic, self.commands = f"umqtt2-demo/{run}/temperature", f"umqtt2-demo/{run}/command"
        self.console, self.start = console, time.monotonic()
        self.facts: dict[str, str] = {}
        self.result: dict[str, int] = {}  # what the last line of the device says
        self.says = "nothing"  # its last line otherwise
        self.round_trips: list[int] = []  # ms
        self.received = 0
        self.connections = 0
        self.cut = 0.0  # when

    def run(self, folder: Path) -> None:
        """Make a folder with the files of a board, switch it on, and follow it to its end."""
        vm = fetch.vm32()
        version, bits = probe(vm) or ((0, 0), 32)
        heap = HEAP_KB * (bits // 32)
        install("simple", folder / "lib")
        shutil.copy(PROGRAM, folder)
        (folder / "ca.der").write_bytes(self.ca)
        settings = {"BROKER": self.host, "PORT": self.port, "CA_FILE": "ca.der" if self.ca else ""}
        settings |= {"USER": None, "PASSWORD": None, "CLIENT_ID": self.device_id, "READINGS": self.topic}
        settings |= {"COMMANDS": self.commands, "INTERVAL": 500, "SECONDS": SECONDS}
        (folder / "config.py").write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
        self.facts["broker"] = f"{self.host} port {self.port}, {'TLS, verified' if self.ca else 'no TLS'}"
        self.facts["device"] = f"MicroPython {version[0]}.{version[1]}, {bits}-bit, {heap} KB heap"
        self.facts["topic"] = self.topic
        laptop = self.join(self.laptop_id)
        acts = self.act(laptop)
        laptop.set_callback(lambda topic, msg, retained, dup: self.take_reading(msg.decode(), acts))
        laptop.subscribe(self.topic, qos=1)
        command, env = [str(vm), "-X", f"heapsize={heap}k", PROGRAM.name], {**os.environ, "MICROPYPATH": "lib"}
        live = Live(get_renderable=self.panel, console=self.console, refresh_per_second=8)
        self.start = time.monotonic()
        # In a session of its own Ctrl-C does not reach it, so it says nothing about that.
        device = Popen(command, 0, None, DEVNULL, PIPE, STDOUT, cwd=folder, env=env, start_new_session=True)
        with device, live:
            try:
                self.follow(device.stdout, laptop)  # type: ignore[arg-type]
            finally:
                device.kill()
        if not self.console.is_terminal:
            self.console.line()
        get = self.result.get
        if not get("sent") or get("in_flight") or self.received < get("acknowledged", 0) or get("commands") != 2:
            raise ToolError(f"not all that was sent arrived; the device says: {self.says}")
        self.console.print("The device came back by itself; its readings and the commands arrived.", style="green")

    def panel(self) -> Panel:
        table = Table.grid(padding=(0, 2))
        for name, value in self.facts.items():
            table.add_row(name, Text(value, "bold", no_wrap=True, overflow="ellipsis"))
        return Panel(table, title="umqtt2", title_align="left", padding=(0, 1))

    def say(self, side: str, text: str, style: str = "") -> None:
        """Print a line of one side."""
        line = Text(f"{time.monotonic() - self.start:4.1f} s {side} | ", STYLES[side])
        self.console.print(line.append(text, STYLES[style]), no_wrap=True, overflow="ellipsis")

    def join(self, name: str) -> MQTTClient:
        """Connect a client of the laptop's."""
        ssl_params = {"cadata": self.ca} if self.ca else None
        client = MQTTClient(name, self.host, self.port, None, None, 10, bool(self.ca), ssl_params, 10)
        client.connect()
        return client

    def follow(self, device: IO[bytes], laptop: MQTTClient) -> None:
        """Take what comes from both, until the device has ended and all that it sent has come."""
        rest, end = b"", time.monotonic() + SECONDS + GRACE
        while time.monotonic() < end and (not self.result or self.received < self.result["acknowledged"]):
            if select.select([device], [], [], 0.01)[0]:
                chunk = device.read(4096)
                if not chunk and not self.result:
                    break
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self.take(line.decode(errors="replace").rstrip())
            while laptop.check_msg():
                pass

    def take(self, line: str) -> None:
        """Take a line of the device."""
        if line.startswith("result "):
            self.result = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}
            self.facts["commands"] = f"{self.result['commands']} of 2 received by the device"
            self.facts["free heap"] = f"{self.result['free']:,} bytes at the end"
            return
        self.says, is_connected = line, line.startswith("connected")
        if is_connected:
            self.connections += 1
            self.facts["connection"] = f"up again after {time.monotonic() - self.cut:.1f} s" if self.cut else "up"
        if line.endswith(" ms"):
            self.round_trips.append(int(line.split()[-2]))
            trips = self.round_trips
            self.facts["round trip"] = f"{trips[-1]} ms, median {median(trips):.0f}, the longest {max(trips)}"
        self.say("device", line, "back" if is_connected else "cut" if "no conn" in line else "")

    def take_reading(self, reading: str, acts: Iterator[None]) -> None:
        """Take a reading that the laptop received."""
        self.received += 1
        self.facts["readings"] = f"{self.received} received, the last {reading}"
        self.say("laptop", f"received {reading}")
        next(acts, None)

    def act(self, laptop: MQTTClient) -> Iterator[None]:
        """Send a command, cut the device's connection, send another one when it is back; each yield is a reading."""
        for _ in range(3):
            yield
        self.send(laptop, "unit F")
        for _ in range(3):
            yield
        before, self.cut = self.connections, time.monotonic()
        self.facts["connection"] = "cut off, waits for it to come back"
        self.say("laptop", "cuts the device off", "cut")
        # A broker closes the connection of a client when another one comes with its identifier. On a busy machine the
        # device may do the same to this one before it has left.
        with suppress(OSError, MQTTException):
            self.join(self.device_id).disconnect()
        while self.connections == before:
            yield
        self.send(laptop, "interval 200")

    def send(self, laptop: MQTTClient, text: str) -> None:
        self.say("laptop", f"sends {text!r}")
        laptop.publish(self.commands, text, qos=1)


def address(text: str) -> tuple[str, int]:
    """Split host:port, host, [IPv6 address]:port or [IPv6 address]."""
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        return parts.hostname or "", parts.port or 1883
    except ValueError:
        raise ToolError(f"BROKER={text} is not an address; write host:port, like localhost:1883") from None


def own_broker(folder: Path, stack: ExitStack) -> tuple[str, int, bytes]:
    """Start mosquitto with TLS; give its host, port and authority."""
    print("Starting mosquitto and a MicroPython VM ...", flush=True)
    certificates = Certificates(folder)
    broker = stack.enter_context(Mosquitto(folder / "mosquitto", certificates, [Listener("tls", "server")]))
    return "localhost", broker.port("tls"), Path(certificates.der("ca")).read_bytes()


def main(console: Console | None = None) -> int:
    """Run the demo and give the exit status; an error is one line, without a traceback."""
    broker, status = os.environ.get("BROKER"), 1
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="umqtt2-demo-")))
            host, port, ca = (*address(broker), b"") if broker else own_broker(folder, stack)
            Demo(host, port, ca, console or Console(highlight=False)).run(folder / "board")
        return 0
    except ToolError as raised:
        error = str(raised)
    except (OSError, MQTTException) as raised:
        error = "the laptop has no broker: " + re.sub(r"\[Errno -?\d+\] ", "", str(raised))
    except KeyboardInterrupt:
        error, status = "interrupted", 130
    print(f"demo: {error}", file=sys.stderr)
    return status
