"""Run several commands at the same time: `python -m tools.together COMMAND ...`, each one argument.

What they print is shown one after the other, in their order: that of the first while it runs, and that of the others
from their beginning when it is their turn. The exit status is 1 if one of them fails.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from typing import IO

from tools import errors
from tools.errors import ToolError

LOOK = 0.1  # seconds between two looks at what a command has printed
SECONDS = 20  # that the others get to end when one ends by Ctrl-C


class Command:
    """A command that runs, with its output in a file."""

    def __init__(self, text: str, output: IO[bytes]) -> None:
        self.text = text
        self._output = output
        self._process = subprocess.Popen(
            shlex.split(text), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        self._shown = open(output.name, "rb")

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *exc: object) -> None:
        self._shown.close()
        try:
            if self._process.poll() is None:
                # Ctrl-C has reached it as well.
                self._process.wait(SECONDS if exc[0] is KeyboardInterrupt else 0)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait()

    def show(self) -> int:
        """Show what it prints until it ends; give its exit status."""
        print(self.text, flush=True)
        while self._process.poll() is None:
            self._copy()
            time.sleep(LOOK)
        self._copy()
        return self._process.returncode

    def _copy(self) -> None:
        sys.stdout.buffer.write(self._shown.read())
        sys.stdout.buffer.flush()


def main() -> None:
    """Run the commands on the command line."""
    signal.signal(signal.SIGTERM, lambda *args: sys.exit(143))
    with ExitStack() as stack:
        outputs = [stack.enter_context(tempfile.NamedTemporaryFile()) for _ in sys.argv[1:]]
        running = [stack.enter_context(Command(*pair)) for pair in zip(sys.argv[1:], outputs)]
        failed = [command.text for command in running if command.show()]
    if failed:
        raise ToolError("\n".join(f"failed: {text}" for text in failed))


if __name__ == "__main__":
    errors.run_main(main)
