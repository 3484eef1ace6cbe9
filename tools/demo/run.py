"""The demo itself: the device, and a laptop that watches it, sends commands and cuts its connection.

A line for each thing that happens is printed and, on a terminal always below them, what is known: `facts`.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path
from statistics import median
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
from tools.testkit import vm
from tools.testkit.certificates import Certificates
from tools.testkit.mosquitto import Listener, Mosquitto
from tools.testkit.process import Process
from umqtt2 import MQTTClient, MQTTException

PROGRAM = REPO / "examples" / "thermometer.py"
HEAP_KB = 36  # what an ESP8266 has; a 64-bit VM needs about twice as much for the same program
SECONDS, GRACE = 12, 60  # that the device runs, and that it may need besides on a busy machine
CUT_OFF = "cut off, waits for it to come back"
STYLES = {"device": "cyan", "laptop": "magenta", "cut": "bold red", "back": "bold green", "": "default"}


class Demo:
    """Both sides, and what is known of them."""

    def __init__(self, host: str, port: int, ca: bytes, console: Console) -> None:
        self.host, self.port, self.ca = host, port, ca
        self.console, self.start = console, time.monotonic()
        self.number = uuid4().hex[:8]  # several demos may use one broker
        self.topic, self.commands = (f"umqtt2-demo/{self.number}/{name}" for name in ("temperature", "command"))
        self.facts: dict[str, str] = {}
        self.result: dict[str, int] = {}  # what the last line of the device says
        self.round_trips: list[int] = []  # ms
        self.received = 0
        self.cut = 0.0  # when

    def run(self, folder: Path) -> None:
        """Make a folder with the files of a board, switch it on, and follow it to its end."""
        program = fetch.vm32()
        version, bits = probe(program) or ((0, 0), 32)
        install("simple", folder / "lib")
        (folder / PROGRAM.name).write_bytes(PROGRAM.read_bytes())
        (folder / "ca.der").write_bytes(self.ca)
        settings = {"BROKER": self.host, "PORT": self.port, "CA_FILE": "ca.der" if self.ca else ""}
        settings |= {"USER": None, "PASSWORD": None, "CLIENT_ID": f"device-{self.number}", "READINGS": self.topic}
        settings |= {"COMMANDS": self.commands, "INTERVAL": 500, "SECONDS": SECONDS}
        (folder / "config.py").write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
        self.facts["broker"] = f"{self.host} port {self.port}, {'TLS, verified' if self.ca else 'no TLS'}"
        self.facts["device"] = f"MicroPython {version[0]}.{version[1]}, {bits}-bit, {HEAP_KB * bits // 32} KB heap"
        self.facts["topic"] = self.topic
        laptop = self.join("laptop")
        acts = self.act(laptop)
        laptop.set_callback(lambda topic, msg, retained, dup: self.take_reading(msg.decode(), acts))
        laptop.subscribe(self.topic, qos=1)
        command = vm.command(program, HEAP_KB, PROGRAM.name)
        self.start = time.monotonic()
        # In a session of its own Ctrl-C does not reach the device, so it says nothing about that.
        with Process(command, folder, vm.imports(folder / "lib"), self.take, own_session=True) as device:
            with Live(get_renderable=self.panel, console=self.console, refresh_per_second=8):
                while time.monotonic() < self.start + SECONDS + GRACE and (not device.ended or self.is_late()):
                    if not laptop.check_msg():
                        time.sleep(0.01)
        if not self.console.is_terminal:
            self.console.line()
        if self.is_late() or not self.result.get("sent") or self.result["in_flight"] or self.result["commands"] != 2:
            raise ToolError(f"not all that was sent arrived; the device says: {device.output[-1:]}")
        self.console.print("The device came back by itself; its readings and the commands arrived.", style="green")

    def panel(self) -> Panel:
        table = Table.grid(padding=(0, 2))
        for name, value in list(self.facts.items()):
            table.add_row(name, Text(value, "bold", no_wrap=True, overflow="ellipsis"))
        return Panel(table, title="umqtt2", title_align="left", padding=(0, 1))

    def say(self, side: str, text: str, style: str = "") -> None:
        """Print a line of one side."""
        line = Text(f"{time.monotonic() - self.start:4.1f} s {side} | ", STYLES[side])
        self.console.print(line.append(text, STYLES[style]), no_wrap=True, overflow="ellipsis")

    def join(self, name: str) -> MQTTClient:
        """Connect a client of the laptop's, or one with the device's identifier."""
        client_id, ssl_params = f"{name}-{self.number}", {"cadata": self.ca} if self.ca else None
        client = MQTTClient(client_id, self.host, self.port, None, None, 10, bool(self.ca), ssl_params, 10)
        client.connect()
        return client

    def is_late(self) -> bool:
        """Whether something that was acknowledged to the device has yet to come to the laptop."""
        return self.received < self.result.get("acknowledged", 0)

    def take(self, line: str) -> None:
        """Take a line of the device."""
        if line.startswith("result "):
            self.result = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}
            self.facts["commands"] = f"{self.result['commands']} of 2 received by the device"
            self.facts["free heap"] = f"{self.result['free']:,} bytes at the end"
            return
        is_connected = line.startswith("connected")
        if is_connected:
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
        yield from repeat(None, 3)
        self.send(laptop, "unit F")
        yield from repeat(None, 3)
        self.cut = time.monotonic()
        self.facts["connection"] = CUT_OFF
        self.say("laptop", "cuts the device off", "cut")
        # A broker closes the connection of a client when another one comes with its identifier. On a busy machine the
        # device may do the same to this one before it has left.
        with suppress(OSError, MQTTException):
            self.join("device").disconnect()
        while self.facts["connection"] == CUT_OFF:
            yield
        self.send(laptop, "interval 200")

    def send(self, laptop: MQTTClient, text: str) -> None:
        self.say("laptop", f"sends {text!r}")
        laptop.publish(self.commands, text, qos=1)


@contextmanager
def broker(folder: Path) -> Iterator[tuple[str, int, bytes]]:
    """Give host, port and authority of the user's broker, or of a mosquitto with TLS, which is started."""
    if own := os.environ.get("BROKER"):
        try:  # host:port, host, [IPv6 address]:port or [IPv6 address]
            parts = urlsplit(own if "//" in own else f"//{own}")
            address = parts.hostname or "", parts.port or 1883, b""
        except ValueError:
            raise ToolError(f"BROKER={own} is not an address; write host:port, like localhost:1883") from None
        yield address
    else:
        print("Starting mosquitto and a MicroPython VM ...", flush=True)
        certificates = Certificates(folder)
        with Mosquitto(folder / "mosquitto", certificates, [Listener("tls", "server")]) as running:
            yield "localhost", running.port("tls"), Path(certificates.der("ca")).read_bytes()


def main(console: Console | None = None) -> int | str:
    """Run the demo and give the exit status, or what went wrong in one line."""
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        with tempfile.TemporaryDirectory(prefix="umqtt2-demo-") as folder, broker(Path(folder)) as address:
            Demo(*address, console or Console(highlight=False)).run(Path(folder, "board"))
        return 0
    except ToolError as error:
        return f"demo: {error}"
    except (OSError, MQTTException) as error:
        return "demo: the laptop has no broker: " + re.sub(r"\[Errno -?\d+\] ", "", str(error))
    except KeyboardInterrupt:
        Console(stderr=True).print("demo: interrupted")
        return 130
