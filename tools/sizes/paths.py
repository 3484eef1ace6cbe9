"""Where the programs for the VM are, and where the figures go."""

from __future__ import annotations

from pathlib import Path

from tools.paths import BUILD, REPO

PROGRAMS = Path(__file__).parent / "programs"
RESULTS = BUILD / "sizes" / "sizes.json"
BUDGET = REPO / "size-budget.ini"
