"""python -m tests.mistakes: make the mistakes of the table, and print it as Markdown, with what was seen."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.mistakes.table import LISTENERS, TREES, Dated, look
from tools import errors
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.tree import lay_out


def cell(text: str) -> str:
    """The text for a cell of a table."""
    return f"`{text}`".replace("|", "\\|") if text else "nothing"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with Mosquitto(folder, Dated(folder), LISTENERS) as broker:
            for kind, trees in TREES.items():
                found = []
                for tree in trees:
                    lib = folder / f"{kind}-{tree}"
                    lib.mkdir()
                    lay_out(tree, lib)
                    found.append(look(kind, lib, broker))
                print(f"| mistake | the sources say | the build `{trees[1]}` says |\n|---|---|---|")
                for what, said in found[0].items():
                    build = found[1][what]
                    print(f"| {what} | {cell(said)} | {'the same' if build == said else cell(build)} |")
                print()


errors.run_main(main)
