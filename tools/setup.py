"""Make .venv/ and fetch the programs that the tests need, all at the same time: `python3 tools/setup.py [EXTRA ...]`.

EXTRA is one of setup.cfg that goes into .venv/, besides `test`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

if not __package__:  # when it is run as a file, the repository is not on sys.path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import chromium, errors, fetch, makevenv, mqtt_packet, playground, wasm  # noqa: E402
from tools.errors import ToolError  # noqa: E402

PROGRAMS = ("vm32", "vm64", "vm-newest", "mosquitto", "valgrind", "mosquitto-sub")
OPTIONAL = ("valgrind", "mosquitto-sub")  # the tests do without them


def setup(*extras: str) -> None:
    """Do it; a ToolError says all that has failed, each in its own line."""

    def environment() -> dict[str, Path]:
        makevenv.make(*extras)
        # Node.js, which fetches them, is in the environment.
        builds = {f"WebAssembly, {name}": wasm.build(name) for name in wasm.NAMES}
        return {**builds, mqtt_packet.PACKAGE: mqtt_packet.build(), "playground": playground.build()}

    def program(name: str) -> dict[str, Path]:
        try:
            return {name: fetch.PROGRAMS[name]()}
        except fetch.Unsupported as error:
            if name not in OPTIONAL:
                raise
            print(error, file=sys.stderr)
            return {}

    def browser() -> dict[str, Path]:
        try:
            return {"chromium": chromium.chromium()}
        except fetch.Unsupported as error:  # the tests of the playground are skipped then
            print(error, file=sys.stderr)
            return {}

    tasks: list[Callable[[], dict[str, Path]]] = [environment, browser]
    tasks += [lambda name=name: program(name) for name in PROGRAMS]  # type: ignore[misc]
    with ThreadPoolExecutor(len(tasks)) as pool:
        running = [pool.submit(task) for task in tasks]
        failed = [str(error) for error in (task.exception() for task in running) if isinstance(error, ToolError)]
    if failed:
        raise ToolError("\n".join(dict.fromkeys(failed)))
    for task in running:
        for name, path in task.result().items():
            print(f"{name}: {path}")


def main() -> None:
    """Set up, with the extras on the command line."""
    setup(*sys.argv[1:])


if __name__ == "__main__":
    errors.run_main(main)
