"""The site, built once for all tests of a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.paths import REPO, locked
from tools.repository import VARIABLE

ADDRESS = "https://example.org/somebody/umqtt2"  # of the repository, as a stand-in


def built_site(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site; who asks first builds it. Raises AssertionError with what mkdocs says."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # of all processes of this run
    folder = base / "site"
    with locked("site"):
        if not folder.exists():
            draft = base / "site-draft"
            command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(draft)]
            environment = {**os.environ, VARIABLE: ADDRESS}
            done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            draft.rename(folder)
    return folder
