"""Where the repository is on the web. Nothing in it says so: it can move, and forks are elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tools.commands import said
from tools.errors import ToolError
from tools.paths import REPO

VARIABLE = "UMQTT2_REPO_URL"
# A host with a public name, after user and password.
HOST = r"(?:[^/@]*@)?((?:[\w-]+\.)+(?!(?:local|localhost|internal)\b)[A-Za-z]{2,})"


def web_address(checkout: Path = REPO) -> str:
    """Return the address of the variable, or of the place that a checkout was cloned from, with http, https or ssh or
    as user@host:path; "" for another place, and for a host that only this machine or its network knows.

    Raises ToolError when the variable has something else. Empty, it means none.
    """
    given = os.environ.get(VARIABLE)
    remote = given if given is not None else said("git", "-C", str(checkout), "config", "remote.origin.url").strip()
    # The port of ssh is not that of the pages.
    remote = re.sub(rf"^(?:ssh://{HOST}(?::\d+)?|{HOST}:(?!//))/?", r"https://\1\2/", remote)
    address = re.fullmatch(rf"(https?://){HOST}(:\d+)?(/.+?)(?:\.git)?/?", remote)
    if given and not address:
        raise ToolError(f"{VARIABLE}={given} is not an address on the web; write https://host/owner/umqtt2")
    return "".join(filter(None, address.groups())) if address else ""
