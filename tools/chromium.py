"""A headless Chromium, for the tests of the playground: this machine's, or Debian's, unpacked below build/chromium/.

`python -m tools.chromium` prints its path. The browser starts itself again for each page, so it cannot run
with a loader of its own, as other unpacked programs do: it is taken from the machine's own suite and runs with the
machine's libc.
"""

from __future__ import annotations

from pathlib import Path

from tools import debian, errors
from tools.errors import ToolError
from tools.fetch import Unsupported, found_here, says
from tools.paths import BUILD, made_once

PACKAGE = "chromium-headless-shell"
ON_PATH = (PACKAGE, "chromium-browser", "google-chrome", "google-chrome-stable")
WANTED = "install chromium, or set CHROMIUM=/path"

# Without a user, a display, a graphics card, and anything that it asks of the internet by itself.
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# Packages that it can do without: the machine's own libc is used, and no graphics card. They are half of all.
LEFT_OUT = ("libc6", "*mesa*", "libllvm*", "libz3*", "libicu*", "libxml2", "x11-*", "xdg-utils", "xkb-data")

WRAPPER = """#!/bin/sh
# Starts Chromium with the libraries and fonts that it was unpacked with.
here=$(cd "${{0%/*}}" && pwd)
export LD_LIBRARY_PATH="{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/{program}" "$@"
"""

FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">root/usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


def chromium() -> Path:
    """Its path. `Unsupported` says that this machine has none and cannot fetch it."""
    found = found_here("chromium", _runs, ON_PATH)
    if found:
        return found
    return made_once(BUILD / "chromium", _fetch) / PACKAGE


def _fetch(folder: Path) -> None:
    """Unpack it and what it depends on, and see that it runs."""
    if not debian.here():
        raise Unsupported(f"chromium: not on PATH, and apt-get is not here to fetch it; {WANTED}")
    suite, arch = debian.mirror().suite, debian.architecture()
    root = folder / "root"
    root.mkdir()
    try:
        debian.unpack([PACKAGE], suite, arch, root, left_out=LEFT_OUT)
    except ToolError as error:
        raise Unsupported(f"chromium: {error}; {WANTED}") from None
    if not _runs(_wrap(folder, root)):
        raise Unsupported(f"chromium: that of {suite} for {arch} does not run here; {WANTED}")


def _wrap(folder: Path, root: Path) -> Path:
    """Write the script that starts it; give its path. The folder can be moved."""
    libraries = sorted({path.parent for path in root.rglob("*.so*") if "chromium" not in path.parts})
    program = next(path for path in root.rglob(PACKAGE) if path.is_file() and path.parent.name == "chromium")
    (folder / "fonts.conf").write_text(FONTS)
    wrapper = folder / PACKAGE
    wrapper.write_text(
        WRAPPER.format(
            libraries=":".join(f"$here/{path.relative_to(folder)}" for path in libraries),
            program=program.relative_to(folder),
        )
    )
    wrapper.chmod(0o755)
    return wrapper


def _runs(path: Path) -> bool:
    """Whether it starts, and shows a page. `--version` alone does not load all that it needs."""
    return says(b"<p>here", str(path), *OPTIONS, "--dump-dom", "data:text/html,<p>here", seconds=120)


def main() -> None:
    """Print its path."""
    print(chromium())


if __name__ == "__main__":
    errors.run_main(main)
