"""Write package files for mip.

python -m tools.packages [--base github:OWNER/umqtt2]  those at the root, from the manifests
python -m tools.packages PROFILE                       of a build for boards, into build/mip/
"""

from __future__ import annotations

import argparse

from tools import errors
from tools.errors import ToolError
from tools.packages import files, index
from tools.paths import BUILD, REPO

# What to do with a build. MicroPython prefers a .py file to an .mpy file of the same name beside it.
NEXT = """
Built in {built}/. To the board:
    .venv/bin/mpremote mkdir :/lib
    .venv/bin/mpremote cp -r {built}/umqtt2 :/lib/
or: .venv/bin/mpremote mip install {mip}/{name}.json
Delete the board's /lib/umqtt2 first when it has the sources (.py) or another profile: what is there of them would be
loaded, too."""


def main() -> None:
    """Write the package files."""
    parser = argparse.ArgumentParser("python -m tools.packages", description="Write package files for mip.")
    parser.add_argument("profile", nargs="?", help="a profile that `make device` has built")
    parser.add_argument("--base", default="", help="where the repository is; default: relative addresses")
    options = parser.parse_args()
    if not options.profile:
        for path in files.write(REPO, options.base):
            print(path.relative_to(REPO))
        return
    built = BUILD / "device" / options.profile
    if not built.is_dir():
        raise ToolError(f"{options.profile}: not built; run `make device PROFILE={options.profile}` first")
    name = index.add(options.profile, built)
    print(NEXT.format(name=name, mip=index.FOLDER.relative_to(REPO), built=built.relative_to(REPO)))


errors.run_main(main)
