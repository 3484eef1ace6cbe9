"""Fetch the programs that the tests need, all at the same time: `python -m tools.setup`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tools import chromium, errors, fetch, node, playground
from tools.errors import ToolError, Unsupported
from tools.testkit import other_brokers

NEEDED: dict[str, Callable[[], Path]] = {
    "vm32": fetch.vm32,
    "vm64": fetch.vm64,
    "vm-newest": fetch.vm_newest,
    "mosquitto": fetch.mosquitto,
    "npm's packages": partial(node.package, ""),
    "playground": playground.build,
}
# Where one of these cannot be had, what needs it is skipped.
OPTIONAL: dict[str, Callable[[], Path]] = {
    "valgrind": fetch.valgrind,
    "mosquitto-sub": fetch.mosquitto_sub,
    "chromium": chromium.chromium,
    "nats": partial(other_brokers.package, "nats"),
    "rumqttd": partial(other_brokers.package, "rumqttd"),
}


def main() -> None:
    """Fetch them; a ToolError says all that has failed, each in its own line."""
    failed: list[str] = []
    with ThreadPoolExecutor(len(NEEDED) + len(OPTIONAL)) as pool:
        running = {name: pool.submit(get) for name, get in {**NEEDED, **OPTIONAL}.items()}
        for name, task in running.items():
            try:
                print(f"{name}: {task.result()}", flush=True)
            except ToolError as error:
                if name in OPTIONAL and isinstance(error, Unsupported):
                    print(error, file=sys.stderr)
                else:
                    failed.append(str(error))
    if failed:
        raise ToolError("\n".join(dict.fromkeys(failed)))


if __name__ == "__main__":
    errors.run_main(main)
