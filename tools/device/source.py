"""The package's sources, as far as they go to a device."""

from __future__ import annotations

from pathlib import Path

from tools.paths import REPO

PACKAGE = REPO / "umqtt2"
NOT_ON_A_DEVICE = ("__main__.py", "cli", "cpython", "testing")


def device_sources() -> list[Path]:
    """Return the files of the package that a device may have."""
    found = sorted(PACKAGE.rglob("*.py"))
    return [path for path in found if path.relative_to(PACKAGE).parts[0] not in NOT_ON_A_DEVICE]
