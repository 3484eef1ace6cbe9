"""The demo itself: the device, and a laptop that watches it, sends commands and cuts its connection."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import shutil
import ssl
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path
from statistics import median
from uuid import uuid4

import aiomqtt
import trustme

from tools.demo import SIGNALS
from tools.demo.board import address, authority, make_board, shown
from tools.demo.screen import Screen
from tools.errors import ToolError
from tools.testkit.mosquitto import Mosquitto

# A process that no Ctrl-C reaches but the demo's own, and that Linux ends where the demo is killed.
GUARD = ["setsid", "setpriv", "--pdeathsig", "TERM"] if shutil.which("setsid") and shutil.which("setpriv") else []
GRACE = 60  # seconds that the device may need beyond its time on a busy machine
GOOD = "The device came back by itself; its readings and the commands arrived."
QUIET = logging.getLogger("tools.demo")  # aiomqtt logs a failure, which the demo tells in one line
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False


def parse() -> argparse.Namespace:
    """Read the command line; ToolError says what is wrong with it."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.demo",
        description="A MicroPython VM talks to a broker, is cut off and comes back. BROKER and CAFILE in the"
        " environment set the options, too.",
    )
    own = "your own broker, which lets anyone in, in the place of one made for it; plain TCP unless there is a --cafile"
    parser.add_argument("--broker", metavar="HOST:PORT", default=os.environ.get("BROKER"), help=own)
    ca = "the certificate of the authority behind your own broker's: it is then TLS, and verified"
    parser.add_argument("--cafile", metavar="FILE", default=os.environ.get("CAFILE"), help=ca)
    parser.add_argument("--seconds", type=int, default=12, metavar="N", help="of the device, 6 or more; default 12")
    given = parser.parse_args()
    if given.seconds < 6:
        parser.error("--seconds: 6 or more")
    if given.cafile and not given.broker:
        raise ToolError("demo: CAFILE is for a broker of your own; give its address too, BROKER=host:port")
    return given


def show(options: argparse.Namespace) -> int:
    """Run the demo; give the exit status. Raises ToolError, and KeyboardInterrupt when it was stopped."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="umqtt2-demo-")))
        (folder / "board").mkdir()
        ca_der = authority(Path(options.cafile)) if options.cafile else b""
        if options.broker:
            host, port = address(options.broker, 8883 if ca_der else 1883)
        else:
            print("Starting mosquitto and a MicroPython VM ...", flush=True)
            ca = trustme.CA(organization_name="umqtt2 demo")
            server = ca.issue_cert("localhost")
            server.cert_chain_pems[0].write_to_path(folder / "server.pem")
            server.private_key_pem.write_to_path(folder / "server.key")
            files = f"certfile {folder}/server.pem", f"keyfile {folder}/server.key"
            host, port = "localhost", stack.enter_context(OwnBroker(folder / "mosquitto", *files)).port
            ca_der = ssl.PEM_cert_to_DER_cert(ca.cert_pem.bytes().decode())
        if ca_der:
            (folder / "board" / "ca.der").write_bytes(ca_der)
        demo = Demo(folder / "board", host, port, ca_der, options.seconds)
        asyncio.run(demo.guarded())
        problem = demo.problem()
        demo.screen.summary(demo.rows(), "" if problem else GOOD)
        if problem:
            raise ToolError(f"demo: {problem}")
    return 0


class OwnBroker(Mosquitto):
    """A mosquitto that does not outlive the demo."""

    def _command(self) -> tuple[list[str], dict[str, str]]:
        command, environment = super()._command()
        return [*GUARD, *command], environment


class Demo:
    """Both sides, and what is known of them."""

    def __init__(self, folder: Path, host: str, port: int, ca_der: bytes, seconds: int) -> None:
        self.folder, self.host, self.port, self.seconds = folder, host, port, seconds
        self.tls = ssl.create_default_context(cadata=ca_der) if ca_der else None
        run = uuid4().hex[:8]  # several demos may use one broker
        self.device_id, self.laptop_id = f"demo-{run}", f"laptop-{run}"
        self.topic, self.commands = f"umqtt2-demo/{run}/temperature", f"umqtt2-demo/{run}/command"
        self.command, title = make_board(folder)
        security = "TLS, verified" if ca_der else "no TLS"
        self.screen = Screen({"broker": f"{shown(host, port)}, {security}", "device": title, "topic": self.topic})
        self.facts = self.screen.facts
        self.result: dict[str, int] = {}  # what the last line of the device says
        self.says = ""  # its last line otherwise
        self.round_trips: list[int] = []  # ms
        self.readings: list[str] = []  # that the laptop received
        self.connections = 0
        self.away = 0.0  # seconds

    async def guarded(self) -> None:
        """Run it; a signal cancels it, so that it ends its processes."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in SIGNALS:
            loop.add_signal_handler(number, stop.set)
        task, stopped = asyncio.create_task(self.run()), asyncio.create_task(stop.wait())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        while not task.done():  # before Python 3.12 a cancellation gets lost, now and then, in asyncio.wait_for()
            loop.set_exception_handler(lambda loop, context: None)
            task.cancel()
            await asyncio.wait({task}, timeout=2)
        if stop.is_set():
            raise KeyboardInterrupt
        stopped.cancel()
        task.result()

    async def run(self) -> None:
        """Start the device and the laptop's tasks; end with the device."""
        settings: dict[str, object] = {"BROKER": self.host, "PORT": self.port, "CA_FILE": "ca.der" if self.tls else ""}
        settings |= {"USER": None, "PASSWORD": None, "CLIENT_ID": self.device_id, "READINGS": self.topic}
        settings |= {"COMMANDS": self.commands, "INTERVAL": 500, "SECONDS": self.seconds}
        (self.folder / "config.py").write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
        try:
            async with AsyncExitStack() as stack:
                laptop = await stack.enter_async_context(self.client(self.laptop_id))
                await laptop.subscribe(self.topic, qos=1)
                stack.enter_context(self.screen)
                device = asyncio.create_task(self.device())
                tasks = [device, asyncio.create_task(self.listen(laptop)), asyncio.create_task(self.act(laptop))]
                stack.push_async_callback(end, tasks)
                while not device.done():
                    waiting = [task for task in tasks if not task.done()]
                    for task in (await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED))[0]:
                        task.result()  # raises what ended it
                await self.until(lambda: len(self.readings) >= self.result.get("acknowledged", 0), 20)
        except aiomqtt.MqttError as error:
            what = "the laptop has lost the broker" if self.connections else "no broker lets the laptop in"
            problem = re.sub(r"\[Errno -?\d+\] |\(_ssl.*", "", str(error)).strip()
            silent = not self.tls and "timed out" in problem  # as TLS listeners are to others
            hint = " (a broker that wants TLS needs CAFILE=ca.pem, too)" if silent else ""
            raise ToolError(f"demo: {what} at {shown(self.host, self.port)}: {problem}{hint}") from None

    def client(self, name: str) -> aiomqtt.Client:
        return aiomqtt.Client(self.host, self.port, identifier=name, tls_context=self.tls, timeout=10, logger=QUIET)

    async def device(self) -> None:
        """Switch the board on and follow it to its end."""
        env = {**os.environ, "MICROPYPATH": "lib"}
        process = await asyncio.create_subprocess_exec(
            *GUARD, *self.command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, cwd=self.folder, env=env
        )
        try:
            watchdog = asyncio.get_running_loop().call_later(self.seconds + GRACE, process.kill)
            assert process.stdout
            async for line in process.stdout:
                self.take(line.decode(errors="replace").rstrip())
            await process.wait()
        finally:
            watchdog.cancel()
            if process.returncode is None:
                process.kill()
            await process.wait()

    def take(self, line: str) -> None:
        """Take a line of the device."""
        if line.startswith("result "):
            self.result = {name: int(value) for name, _, value in (pair.partition("=") for pair in line.split()[1:])}
            return
        self.says = line
        if line.startswith("connected"):
            self.connections += 1
            self.facts.setdefault("connection", "up")
        if line.endswith(" ms"):
            self.round_trips.append(int(line.split()[-2]))
            self.facts["round trip"] = f"{self.round_trips[-1]} ms, median {median(self.round_trips):.0f} ms"
        self.screen.say("device", line, "back" if line.startswith("connected") else "cut" if "no conn" in line else "")

    async def listen(self, laptop: aiomqtt.Client) -> None:
        """Show the readings, for ever."""
        async for message in laptop.messages:
            self.readings.append(bytes(message.payload).decode(errors="replace"))  # type: ignore[arg-type]
            self.facts["received"] = f"{len(self.readings)} readings, the last {self.readings[-1]}"
            self.screen.say("laptop", f"received {self.readings[-1]}, QoS {message.qos}")

    async def act(self, laptop: aiomqtt.Client) -> None:
        """Send a command, cut the device's connection, and send another one when it is back."""
        await self.until(lambda: self.readings)
        await asyncio.sleep(self.seconds / 6)
        await self.send(laptop, "unit F")
        await asyncio.sleep(self.seconds / 6)
        before = self.connections
        self.facts["connection"] = "cut off, waits for it to come back"
        self.screen.say("laptop", "cuts the device off", "cut")
        start = asyncio.get_running_loop().time()
        # A broker closes the connection of a client when another one comes with its identifier. On a busy machine the
        # device may do the same to this one before it has left.
        with suppress(aiomqtt.MqttError):
            async with self.client(self.device_id):
                pass
        await self.until(lambda: self.connections > before)
        self.away = asyncio.get_running_loop().time() - start
        self.facts["connection"] = f"up again after {self.away:.1f} s"
        count = len(self.readings)
        await self.until(lambda: len(self.readings) > count)
        await self.send(laptop, "interval 200")

    async def send(self, laptop: aiomqtt.Client, text: str) -> None:
        self.screen.say("laptop", f"sends {text!r}")
        await laptop.publish(self.commands, text, qos=1)

    async def until(self, condition: Callable[[], object], seconds: float | None = None) -> None:
        """Wait until something has happened, at most `seconds`."""
        end = asyncio.get_running_loop().time() + seconds if seconds else float("inf")
        while not condition() and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)

    def rows(self) -> dict[str, str]:
        """The summary."""
        get = self.result.get
        trips = self.round_trips and f"median {median(self.round_trips):.0f} ms, the longest {max(self.round_trips)} ms"
        return {
            "readings": f"{get('sent', 0)} sent, {get('acknowledged', 0)} acked, {len(self.readings)} received",
            "round trip": trips or "?",
            "back after the cut": f"{self.away:.1f} s" if self.away else "?",
            "commands": f"{get('commands', 0)} of 2 received by the device",
            "free heap": f"{get('free', 0):,} bytes",
        }

    def problem(self) -> str:
        """The problem in one line; empty when there is none."""
        get = self.result.get
        if not get("sent"):
            return f"the device sent nothing, or ended early; it says: {self.says or 'nothing'}"
        if get("in_flight") or len(self.readings) < self.result["acknowledged"]:
            return f"{self.result['in_flight']} readings were never acknowledged, or one that was did not arrive"
        if not self.away:
            return f"the device did not come back after its connection was cut; it says: {self.says}"
        if get("commands", 0) < 2 or not self.readings[-1].endswith("F"):
            return "the commands had no effect"
        return ""


async def end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks, and wait for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
