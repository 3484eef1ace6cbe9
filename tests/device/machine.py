"""The machines that run a test program, and how much heap each program gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.testkit import vm
from tools.testkit.board import BOARD_FOLDER
from tools.testkit.vm import Run, mpremote

PROGRAMS = Path(__file__).parent / "programs"
# KB of heap: that of a small board for a build, more for the source tree, whose modules are not merged, and for
# programs that hold a 7 KB payload twice, umqtt.robust2 beside the client, or stores and reconnection.
HEAPS = {"source": 60}
BOARD_HEAP = 36
LARGER_HEAPS = {
    "source": {
        "large": 68,
        "long_topic": 64,
        "many": 80,
        "old_robust2": 64,
        "other_transport": 92,
        "qos2": 64,
        "robust": 68,
        "servers": 80,
        "streaming": 68,
        "waking": 64,
    },
    "simple": {"large": 43, "old_robust2": 40},
    "full": {
        "aio_out_of_memory": 72,
        "large": 46,
        "many": 50,
        "other_transport": 64,
        "out_of_memory": 64,
        "qos2": 44,
        "rejected": 50,
        "robust": 44,
        "servers": 46,
        "streaming": 44,
        "waking": 40,
    },
}
# These need asyncio too.
ASYNC: tuple[str, ...] = ("aio_away", "aio_blocked", "aio_cancel", "aio_converse", "aio_eager", "aio_echo", "aio_first")
ASYNC += ("aio_idle", "aio_leave", "aio_queue", "aio_reconnect", "aio_refused", "aio_servers", "aio_worker", "on_wifi")
ASYNC += ("router",)
LARGER_HEAPS["source"].update(dict.fromkeys(ASYNC, 92))
LARGER_HEAPS["full"].update(dict.fromkeys(ASYNC, 66))
LARGER_HEAPS["source"].update(aio_echo=98, v5=104, v5_aio=120, allocations=80)
LARGER_HEAPS["full"].update(v5=72, v5_aio=88)
LARGER_HEAPS["simple5"] = {"large": 52, "v5": 48}
# What it takes more to reconnect, with larger messages, or with 20 messages in the queue.
LARGER_HEAPS["aio"] = dict.fromkeys(ASYNC, 44)
LARGER_HEAPS["aio"].update(aio_out_of_memory=66, aio_blocked=58, aio_converse=BOARD_HEAP, aio_echo=52, aio_leave=48)
TLS_HEAP = {"source": 8, "aio": 6, "full": 8}


class Vm:
    """A MicroPython executable of this machine, with a board's heap."""

    def __init__(self, path: Path, folder: Path, tree: str) -> None:
        """
        words   1 with 32 bits, 2 with 64: everything is twice as large there
        folder  the package and the programs, see `tree.lay_out`
        tree    which package it is
        """
        self.path = path
        self.words = vm.words(path)
        self.folder = folder
        self._tree = tree

    def start(self, program: str, config: dict[str, Any]) -> Run:
        """Start a program; `config` is its settings."""
        usual = HEAPS.get(self._tree, BOARD_HEAP)
        heap = LARGER_HEAPS.get(self._tree, {}).get(program, usual)
        if config["client"].get("ssl"):
            heap += TLS_HEAP.get(self._tree, 0)
        return vm.start(self.path, self.folder, heap, "-c", command(program, config))


class Board:
    """A board at a serial port, with the package and the programs in BOARD_FOLDER."""

    def __init__(self, port: str) -> None:
        self._port = port

    def start(self, program: str, config: dict[str, Any]) -> Run:
        """Start a program; `config` is its settings."""
        code = f"import sys; sys.path.insert(0, {BOARD_FOLDER!r}); {command(program, config)}"
        return Run(mpremote(self._port, "exec", code))


def command(program: str, config: dict[str, Any]) -> str:
    """The line of MicroPython that runs a program."""
    return f"import harness; harness.main({program!r}, {config!r})"
