"""A board for what the pages tell to type: a folder is its file system, and mpremote's own code talks to a VM in it."""

from __future__ import annotations

import ast
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable
from unittest import mock

import mpremote.commands
import mpremote.main
from mpremote.transport import Transport, TransportExecError

from tools import fetch
from tools.testkit import vm
from tools.testkit.vm import Run

STANDINS = Path(__file__).parent.parent / "examples" / "standins"
HEAP_KB = 36
# The file system of a board, and what its firmware has built in.
MOUNT = """
import os, sys, vfs
vfs.umount("/")
vfs.mount(vfs.VfsPosix({root!r}), "/")
vfs.mount(vfs.VfsPosix({standins!r}), "/firmware")
os.chdir("/")
sys.path[:] = ["", ".frozen", "/lib", "/firmware"]
"""
# What a board does with the lines that mpremote sends.
SERVE = """
names = {"__name__": "__main__"}
while True:
    line = sys.stdin.readline()
    if not line:
        break
    failed = 0
    try:
        exec(eval(line), names)
    except Exception as e:
        failed = 1
        sys.print_exception(e)
    print("\\x04%d" % failed)
"""
BOOT = """
for name in ("boot.py", "main.py"):
    if name in os.listdir():
        with open(name) as file:
            source = file.read()
        exec(source, {"__name__": "__main__"})
        source = None
"""


class Board(Transport):  # type: ignore[misc]
    """An empty board."""

    device_name = "a board"
    in_raw_repl = mounted = False

    def __init__(self, root: Path, heap_kb: int = HEAP_KB) -> None:
        root.mkdir()
        self.root = root
        self.heap_kb = heap_kb
        self._vm: subprocess.Popen[str] | None = None

    def mpremote(self, *arguments: str) -> int:
        """Call mpremote's main(); return its exit code. What it says goes to stdout and stderr."""

        def connect(state: Any, args: object = None) -> None:
            state.transport = self

        with ExitStack() as stack:
            stack.enter_context(mock.patch("sys.argv", ["mpremote", *arguments]))
            stack.enter_context(mock.patch.object(mpremote.main, "do_connect", connect))
            stack.enter_context(
                mock.patch.object(mpremote.main, "load_user_config", lambda: mock.Mock(commands={}))
            )
            return int(mpremote.main.main())

    def boot(self) -> Run:
        """Power it on: it runs boot.py and main.py."""
        return Run(self._command(BOOT), self.root)

    def exec(self, command: str | bytes, data_consumer: Callable[[bytes], object] | None = None) -> bytes:
        """Run code, as the raw REPL does."""
        if self._vm is None:
            self._vm = subprocess.Popen(
                self._command(SERVE), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
            )
        assert self._vm.stdin and self._vm.stdout
        self._vm.stdin.write(repr(command if isinstance(command, str) else command.decode()) + "\n")
        output = ""
        while "\x04" not in output:
            line = self._vm.stdout.readline()
            assert line, "the VM has ended"
            output += line
        said, _, failed = output.rpartition("\x04")
        if int(failed):
            raise TransportExecError(1, said)
        if data_consumer:
            data_consumer(said.encode())
        return said.encode()

    def exec_raw_no_follow(self, command: str | bytes) -> None:
        """What mpremote does not wait for: a reset."""
        assert b"machine.reset()" in (command if isinstance(command, bytes) else command.encode())

    def eval(self, expression: str, parse: bool = True) -> Any:
        """Give the value of an expression."""
        return ast.literal_eval(self.exec(f"print(repr({expression}))").decode().strip())

    def enter_raw_repl(self, soft_reset: bool = True, timeout_overall: int = 10) -> None:
        """Begin to run code; with a new heap."""
        if soft_reset:
            self.close()

    def exit_raw_repl(self) -> None:
        """There is nothing to do."""

    def close(self) -> None:
        """End the VM."""
        if self._vm is not None:
            assert self._vm.stdin and self._vm.stdout
            self._vm.stdin.close()
            self._vm.wait(60)
            self._vm.stdout.close()
            self._vm = None

    def _command(self, code: str) -> list[str]:
        mount = MOUNT.format(root=str(self.root), standins=str(STANDINS))
        return vm.command(fetch.vm32(), self.heap_kb, "-c", mount + code)
