"""The package's sources, as far as they go to a device."""

from __future__ import annotations

import shutil
from pathlib import Path

from tools.paths import REPO

PACKAGE = REPO / "umqtt2"
NOT_ON_A_DEVICE = ("__main__.py", "cli", "cpython", "testing")


def copy_sources(target: Path) -> None:
    """Put the package's device part into `target`, as it is: for a VM that does not read what mpy-cross makes."""
    for source in device_sources():
        path = target / source.relative_to(PACKAGE)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)


def device_sources() -> list[Path]:
    """Return the files of the package that a device may have."""
    found = sorted(PACKAGE.rglob("*.py"))
    return [path for path in found if path.relative_to(PACKAGE).parts[0] not in NOT_ON_A_DEVICE]
