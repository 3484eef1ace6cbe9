"""A client that runs in another program, on CPython or on the VM: programs/remote.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools.testkit.vm import Run


class Raised(AssertionError):
    """What a client has raised, with the same arguments."""


class Remote:
    """Use it with `with`. A method of programs/remote.py's Client is called as if it were here."""

    def __init__(self, run: Run, number: int = 0) -> None:
        """run: the program; number: of the client there."""
        self.run = run
        self._number = number

    def __enter__(self) -> Remote:
        self.run.__enter__()
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        if not kind:
            self.run.say()
            self.run.done()
        self.run.__exit__(kind, *exc)

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **more: Any) -> Any:
            self.begin(name, *arguments, **more)
            return self.end()

        return call

    def begin(self, method: str, *arguments: Any, **more: Any) -> None:
        """Call a method, and go on while it runs."""
        self.run.say(ascii((self._number, method, arguments, more)))

    def end(self, seconds: float = 100) -> Any:
        """Wait until it returns, and return its value; raise Raised if it has raised anything."""
        said = self.run.event("returned", seconds)
        if said["raised"] is not None:
            raise Raised(*said["raised"])
        return said["value"]

    def raised(self, method: str, *arguments: Any, **more: Any) -> Sequence[Any]:
        """Call a method that has to raise an exception, and return its arguments."""
        try:
            getattr(self, method)(*arguments, **more)
        except Raised as error:
            return list(error.args)
        raise AssertionError(f"{method} raised nothing")
