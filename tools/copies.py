"""`python -m tools.copies`: fail where code was copied; each pair of places is printed.

jscpd finds them, as .jscpd.json says, and is installed with npm below build/npm/ when it is not there yet.
"""

from __future__ import annotations

import subprocess
import sys

from tools.node import node, package
from tools.paths import REPO

if __name__ == "__main__":
    sys.exit(subprocess.run([str(node()), str(package("jscpd") / "bin" / "jscpd")], cwd=REPO, check=False).returncode)
