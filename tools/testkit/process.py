"""Processes: one that runs to its end, and one whose output is read while it runs."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

SECONDS = 120

Self = TypeVar("Self", bound="Process")


def finish(
    command: list[str],
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
    seconds: float = SECONDS,
    **more: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. Its stdout has all that it printed, on stderr too.

    environment  variables besides those that are set
    seconds      after which it is killed, and TimeoutExpired raised
    more         arguments of subprocess.run
    """
    return subprocess.run(command, timeout=seconds, check=False, **_how(folder, environment), **more)


def _how(folder: Path | None, environment: dict[str, str] | None) -> dict[str, Any]:
    # Arguments of subprocess.run and Popen: one text has all that the process prints, and nothing is typed.
    return {
        "cwd": folder,
        "env": {**os.environ, **(environment or {})},
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "encoding": "utf-8",
        "errors": "replace",
    }


class Process:
    """A process while it runs; use it with `with`: it is ended then.

    output  its lines so far, those on stderr too
    ended   whether there will be no more
    """

    def __init__(
        self,
        command: list[str],
        cwd: Path | None = None,
        environment: dict[str, str] | None = None,
        on_line: Callable[[str], None] = lambda line: None,
        own_session: bool = False,
        typed: bool = False,
    ) -> None:
        """
        environment  variables besides those that are set
        on_line      called with each line, in a thread of its own
        own_session  Ctrl-C on the terminal does not reach it
        typed        it gets lines by `say`
        """
        self.output: list[str] = []
        self.ended = False
        self._on_line = on_line
        self._changed = threading.Condition()
        how = {**_how(cwd, environment), **({"stdin": subprocess.PIPE} if typed else {})}
        self._process = subprocess.Popen(command, start_new_session=own_session, **how)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop(3)

    @property
    def pid(self) -> int:
        """The process identifier."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def prints(self, words: str, seconds: float = SECONDS) -> str:
        """Wait until it prints a line with these words, and return it; "" when it ends before, or takes longer."""

        def found() -> str:
            return next((line for line in self.output if words in line), "")

        with self._changed:
            self._changed.wait_for(lambda: found() or self.ended, seconds)
            return found()

    def say(self, line: str = "") -> None:
        """Give it a line, as if it were typed."""
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def stop(self, seconds: float) -> None:
        """End it with SIGTERM; with SIGKILL, if it has not ended after some seconds."""
        if self.runs:
            self._process.terminate()
        self.wait(seconds)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()
        self.wait(SECONDS)

    def wait(self, seconds: float) -> int:
        """Wait until it has ended, kill it after some seconds, and return its exit status."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1)  # not for ever: what it has started itself may still have its stdout
        return self._process.returncode

    def _read(self) -> None:
        assert self._process.stdout
        try:
            for line in self._process.stdout:
                with self._changed:
                    self.output.append(line.rstrip())
                    self._on_line(self.output[-1])
                    self._changed.notify_all()
        finally:
            with self._changed:
                self.ended = True
                self._changed.notify_all()
