"""`make chaos`: inject faults into the connection, the broker and the device, and check every message.

The exit status is 1 when a message was lost, doubled at QoS 2, or out of order; the name of each such schedule
is printed. `python -m tests.faults random --n 1 --seed SEED` repeats one.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.chaos import Chaos, parts_of
from tests.faults.device import lay_out
from tests.faults.pool import DEVICES, Totals
from tools import errors


def main() -> None:
    """Run all parts and print their results."""
    parser = argparse.ArgumentParser("python -m tests.faults", description="Inject faults, and check every message.")
    parser.add_argument("--n", type=int, default=1000, help="random schedules of network faults")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="of the first of them")
    parser.add_argument("parts", nargs="*", help="names of the parts to run; all if none is given")
    options = parser.parse_args()
    print(f"SEED={options.seed} N={options.n}, {DEVICES} devices at a time", flush=True)
    whole = Totals()
    with tempfile.TemporaryDirectory(prefix="umqtt2-chaos-") as name:
        for kind, parts in parts_of(options.seed, options.n).items():
            wanted = {part: parts[part] for part in parts if not options.parts or part in options.parts}
            if wanted:
                folder = Path(name) / kind
                chaos = Chaos(folder, lay_out(folder / "tree", kind))
            for part, (title, run) in wanted.items():
                totals = asyncio.run(run(chaos))
                print("", f"{part}: {title}", *totals.lines(), sep="\n", flush=True)
                whole += totals
    print("", "total", *whole.lines(), sep="\n")
    if whole.failures:
        sys.exit(1)


if __name__ == "__main__":
    errors.run_main(main)
