"""One target under atheris: python -m tests.fuzz.target NAME, and libFuzzer's own arguments."""

from __future__ import annotations

import shlex
import sys

import atheris

with atheris.instrument_imports(include=["umqtt2"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    name, *arguments = sys.argv[1:]
    again = shlex.join([sys.executable, "-m", "tests.fuzz.target", name])  # for libFuzzer to start more of it
    atheris.Setup([again, *arguments], TARGETS[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
