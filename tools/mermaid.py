"""mermaid, which draws the documentation's diagrams: one script of npm's package, below build/npm/.

`python -m tools.mermaid` fetches it.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

from tools import errors
from tools.node import npm
from tools.paths import BUILD, made_once

# A version whose parts the theme's style sheet knows: it colours arrows by their names.
VERSION = "11.12.0"
INSIDE = "package/dist/mermaid.min.js"


def build() -> Path:
    """The script, fetched below build/npm/ when it is not there yet; it is complete by itself."""
    return made_once(BUILD / "npm" / f"mermaid-{VERSION}", _fetch) / Path(INSIDE).name


def _fetch(folder: Path) -> None:
    npm("pack", f"mermaid@{VERSION}", "--pack-destination", str(folder))
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        content = packed.extractfile(INSIDE)
        assert content, INSIDE
        (folder / Path(INSIDE).name).write_bytes(content.read())
    archive.unlink()


def main() -> None:
    """Fetch it."""
    print(build())


if __name__ == "__main__":
    errors.run_main(main)
