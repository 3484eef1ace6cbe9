"""Run the whole demo."""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import aiomqtt

from tools import fetch
from tools.demo import SIGNALS
from tools.demo.board import CA_FILE, Board, make_board
from tools.demo.broker import start_broker
from tools.demo.certificates import Certificates, own_authority, throw_away
from tools.demo.counts import INTERVAL_MS, Counts
from tools.demo.device import run_device
from tools.demo.laptop import Laptop
from tools.demo.options import Options
from tools.demo.reach import must_be_reachable, shown
from tools.demo.view import View, make_view
from tools.errors import ToolError

NAME = "localhost"  # of the demo's own broker, in its certificate
TICKS_A_SECOND = 4
UNHEARD = 5  # seconds until a task that ignored its cancellation is cancelled again
GOOD = "All readings arrived and were acknowledged, and the commands had their effect."


def show(options: Options) -> int:
    """Run the demo; give the exit status. Raises ToolError, and KeyboardInterrupt when it was stopped."""
    with tempfile.TemporaryDirectory(prefix="umqtt2-demo-") as name:
        demo = Demo(options, Path(name))
        counts = _interruptible(demo)
    problem = counts.problem()
    demo.view.summary(counts.rows(), "" if problem else GOOD)
    if problem:
        print(f"\ndemo: {problem}", file=sys.stderr)
    return 1 if problem else 0


class Demo:
    """The demo, prepared but not yet running."""

    def __init__(self, options: Options, folder: Path) -> None:
        self.seconds = options.seconds
        self.folder = folder
        self.own_broker = options.broker
        self.certificates: Certificates | None = None
        self.tls: ssl.SSLContext | None = None
        ca_der: bytes | None = None
        if self.own_broker:
            if options.ca_file:
                ca_der = own_authority(options.ca_file)
                self.tls = ssl.create_default_context(cadata=ca_der)
            must_be_reachable(*self.own_broker, self.tls)
        else:
            self.mosquitto = fetch.mosquitto()
            self.certificates = throw_away(folder, NAME)
            ca_der = self.certificates.ca_der
            self.tls = ssl.create_default_context(cadata=ca_der)
        self.stopping = False
        self.board: Board = make_board(folder / "board", ca_der)
        self.view: View = make_view(self.seconds)

    async def run(self) -> Counts:
        """Start the broker, the laptop's side and the device; end when the device has ended."""
        host, port = self.own_broker or (NAME, 0)
        try:
            async with AsyncExitStack() as stack:
                if self.certificates:
                    port = await start_broker(stack, self.mosquitto, self.folder, self.certificates)
                return await self._run(stack, host, port)
        except aiomqtt.MqttError as error:
            problem = "the laptop lost" if self.view.began else "the laptop is not let in by"
            # TLS listeners keep silent about a client that does not begin with TLS.
            silent = not self.tls and "timed out" in str(error)
            hint = " (one that wants TLS needs CAFILE=ca.pem, too)" if silent else ""
            raise ToolError(f"demo: {problem} the broker at {shown(host, port)}: {error}{hint}") from None

    async def _run(self, stack: AsyncExitStack, host: str, port: int) -> Counts:
        """Connect the laptop, then run the device to its end."""
        counts = Counts()
        run_id = uuid4().hex[:8]  # several demos may use one broker
        readings, commands = f"umqtt2-demo/{run_id}/temperature", f"umqtt2-demo/{run_id}/command"
        self.board.configure(
            {
                "BROKER": host,
                "PORT": port,
                "CA_FILE": CA_FILE if self.tls else "",
                "USER": None,
                "PASSWORD": None,
                "CLIENT_ID": f"demo-{run_id}",
                "READINGS": readings,
                "COMMANDS": commands,
                "INTERVAL": INTERVAL_MS,
                "SECONDS": self.seconds,
            }
        )
        client = await stack.enter_async_context(self._client(host, port, f"laptop-{run_id}"))
        await client.subscribe(readings, qos=1)
        if self.stopping:
            raise asyncio.CancelledError
        stack.enter_context(self.view)
        self.view.begin(f"{shown(host, port)}, {'TLS verified' if self.tls else 'no TLS'}", self.board.title)
        await self._both_sides(Laptop(client, commands, self.view, counts), counts)
        return counts

    def _client(self, host: str, port: int, name: str) -> aiomqtt.Client:
        """The laptop's client; what it logs of a failure is silenced, for the demo says it in one line."""
        logger = logging.getLogger("tools.demo.laptop")
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        return aiomqtt.Client(
            host, port, identifier=name, tls_context=self.tls, timeout=5, keepalive=10, logger=logger
        )

    async def _both_sides(self, laptop: Laptop, counts: Counts) -> None:
        """Run the device to its end, with the laptop's tasks beside it."""
        device = asyncio.create_task(run_device(self.board, self.seconds, self.view, counts))
        beside = [
            asyncio.create_task(task)
            for task in (laptop.listen(), laptop.command(self.seconds), self._tick())
        ]
        try:
            while not device.done():
                running = {device, *(task for task in beside if not task.done())}
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()  # raises what ended it
            await laptop.received(counts.sent)
        finally:
            for task in (device, *beside):
                task.cancel()
            await asyncio.gather(device, *beside, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            self.view.tick()
            await asyncio.sleep(1 / TICKS_A_SECOND)


def _interruptible(demo: Demo) -> Counts:
    """Run the demo; a signal cancels it, so that it ends its processes."""

    async def guarded() -> Counts:
        loop = asyncio.get_running_loop()
        task = loop.create_task(demo.run())
        stop = asyncio.Event()
        for number in SIGNALS:
            loop.add_signal_handler(number, stop.set)
        stopped = loop.create_task(stop.wait())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not task.done():
            # Ignore aiomqtt's message about a connection that is cancelled half-way.
            loop.set_exception_handler(lambda loop, context: None)
            demo.stopping = True
        while not task.done():
            # Before Python 3.12 this gets lost, now and then, in aiomqtt's use of asyncio.wait_for().
            task.cancel()
            await asyncio.wait({task}, timeout=UNHEARD)
        return task.result()

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
