"""python -m tools.measure.cluster [--docs]: run it, print what came of it; with --docs also write page and picture."""

from __future__ import annotations

import sys

from tools import errors
from tools.errors import ToolError
from tools.measure.cluster import page, run


def main() -> None:
    """Run the fleet."""
    print(f"three nodes of RabbitMQ, {run.CLIENTS} clients, six restarts: about two minutes", flush=True)
    outcome = run.run()
    print(page.text(outcome))
    if "--docs" in sys.argv:
        page.write(outcome)
    if outcome.lost:
        raise ToolError(f"cluster: {len(outcome.lost)} messages are lost")


errors.run_main(main)
