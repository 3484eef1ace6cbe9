"""Run a command to its end: say in one line why it failed, or give what it says."""

from __future__ import annotations

import re
import subprocess
from typing import Any

from tools.errors import ToolError


def run(command: list[str], what: str, why: str = "", error: type[ToolError] = ToolError, **more: Any) -> str:
    """Run a command to its end, and return what it has printed on stdout.

    what   begins the error's text when the command fails
    why    regular expression of the line that says why; by default the last one
    error  what is raised
    more   arguments of subprocess.run
    """
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False, **more
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip() or f"exit code {done.returncode}"
        found = re.search(why, said, re.MULTILINE) if why else None
        reason = found[0] if found else said.splitlines()[-1]
        raise error(f"{what}: {reason.strip()[:300]}")
    return done.stdout


def said(*command: str, seconds: float = 60) -> str:
    """What a command prints, on stderr too; "" when it does not run here, or takes longer."""
    how: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    try:
        return str(subprocess.run(command, timeout=seconds, check=False, **how).stdout, errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        return ""
