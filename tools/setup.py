"""Make .venv/ and fetch the programs that the tests need, all at the same time: `python3 tools/setup.py [EXTRA ...]`.

EXTRA is one of setup.cfg that goes into .venv/, besides `test`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

if not __package__:  # when it is run as a file, the repository is not on sys.path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import chromium, errors, fetch, makevenv, mermaid, node, playground, wasm  # noqa: E402
from tools.errors import ToolError  # noqa: E402
from tools.testkit import other_brokers  # noqa: E402

BROKERS = ("nats", "rumqttd")
NEEDED = ("vm32", "vm64", "vm-newest", "mosquitto")
OPTIONAL = ("valgrind", "mosquitto-sub")


def setup(*extras: str) -> None:
    """Do it; a ToolError says all that has failed, each in its own line."""

    def environment() -> dict[str, Path]:
        makevenv.make(*extras)
        # pip and Node.js, which fetch them, are in the environment.
        with ThreadPoolExecutor(len(BROKERS)) as pool:
            others = [pool.submit(optional, name, partial(other_brokers.package, name)) for name in BROKERS]
            builds = {f"WebAssembly, {name}": wasm.build(name) for name in wasm.NAMES}
            builds.update({name: node.package(name) for name in node.VERSIONS})
            builds["playground"] = playground.build()
            builds["mermaid"] = mermaid.build()
            for one in others:
                builds.update(one.result())
        return builds

    tasks: list[Callable[[], dict[str, Path]]] = [environment]
    tasks += [partial(needed, name, fetch.PROGRAMS[name]) for name in NEEDED]
    tasks += [partial(optional, name, fetch.PROGRAMS[name]) for name in OPTIONAL]
    tasks += [partial(optional, "chromium", chromium.chromium)]
    with ThreadPoolExecutor(len(tasks)) as pool:
        running = [pool.submit(task) for task in tasks]
        failed = [str(error) for error in (task.exception() for task in running) if isinstance(error, ToolError)]
    if failed:
        raise ToolError("\n".join(dict.fromkeys(failed)))
    for task in running:
        for name, path in task.result().items():
            print(f"{name}: {path}")


def needed(name: str, get: Callable[[], Path]) -> dict[str, Path]:
    """Fetch something that the tests need."""
    return {name: get()}


def optional(name: str, get: Callable[[], Path]) -> dict[str, Path]:
    """Fetch something that the tests do without where it cannot be had: those that need it are skipped."""
    try:
        return {name: get()}
    except fetch.Unsupported as error:
        print(error, file=sys.stderr)
        return {}


def main() -> None:
    """Set up, with the extras on the command line."""
    setup(*sys.argv[1:])


if __name__ == "__main__":
    errors.run_main(main)
