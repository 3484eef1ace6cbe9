"""A headless Chromium, for the tests of the playground: this machine's, or Debian's, unpacked below build/chromium/.

The browser starts itself again for each page, so it cannot run with a loader of its own, as other unpacked programs
do: it is taken from the machine's own suite and runs with the machine's libc.
"""

from __future__ import annotations

from pathlib import Path

from tools import debian
from tools.commands import said
from tools.errors import ToolError, Unsupported
from tools.fetch import found_here
from tools.paths import BUILD, made_once
from tools.unpacked import write_script

PACKAGE = "chromium-headless-shell"
ON_PATH = (PACKAGE, "chromium-browser", "google-chrome", "google-chrome-stable")
WANTED = "install chromium, or set CHROMIUM=/path"

# Packages that it can do without: the machine's own libc is used, and no graphics card. They are half of all.
LEFT_OUT = ("libc6", "*mesa*", "libllvm*", "libz3*", "libicu*", "libxml2", "x11-*", "xdg-utils", "xkb-data")


def chromium() -> Path:
    """Its path. `Unsupported` says that this machine has none and cannot fetch it."""
    return found_here("chromium", _runs, ON_PATH) or made_once(BUILD / "chromium", _fetch) / PACKAGE


def _fetch(folder: Path) -> None:
    """Unpack it and what it depends on, and see that it runs."""
    root = folder / "root"
    try:
        debian.unpack([PACKAGE], "", root, WANTED, LEFT_OUT)
    except ToolError as error:
        raise Unsupported(str(error)) from None
    libraries = sorted({path.parent for path in root.rglob("*.so*") if "chromium" not in path.parts})
    program = next(path for path in root.rglob(PACKAGE) if path.is_file() and path.parent.name == "chromium")
    lines = [
        'here=$(cd "${0%/*}" && pwd)',
        f'export LD_LIBRARY_PATH="{":".join(f"$here/{path.relative_to(folder)}" for path in libraries)}"',
        'export FONTCONFIG_SYSROOT="$here/root"',
        f'exec "$here/{program.relative_to(folder)}" "$@"',
    ]
    if not _runs(write_script(folder / PACKAGE, *lines)):
        raise Unsupported(f"chromium: that of {debian.mirror().suite} does not run here; {WANTED}")


def _runs(path: Path) -> bool:
    """Whether it starts, and shows a page. `--version` alone does not load all that it needs."""
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
    return "<p>here" in said(str(path), *options, "--dump-dom", "data:text/html,<p>here", seconds=120)
