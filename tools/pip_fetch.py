"""Fetch a source archive as pip does, with all of its settings: `python pip_fetch.py PROJECT VERSION FOLDER`.

`pip download` also begins to build what it has fetched, which fails for archives without setup.py, and it
keeps nothing then. So this goes as far as pip's own downloading, with its own modules: the same from
pip 20.3 to 25.3. Prints the name of the file.
"""

import logging
import sys
from pathlib import Path

from pip._internal.commands.download import DownloadCommand
from pip._vendor.packaging.specifiers import SpecifierSet

OPTIONS = ["--no-input", "--no-deps", "--progress-bar", "off", "--no-binary", ":all:"]


def main(project: str, version: str, folder: str) -> None:
    """Download the archive of a version."""
    # pip logs the reason why an index cannot be read only at this level.
    logging.basicConfig(level=logging.DEBUG, format="%(message)s")
    logging.getLogger("pip._vendor").setLevel(logging.WARNING)
    command = DownloadCommand("download", "")
    options, _ = command.parse_args(OPTIONS)
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session)
        found = finder.find_best_candidate(project, SpecifierSet("==" + version)).best_candidate
        if not found:
            sys.exit("no such version in its index")
        # Without this, a compressed transfer would be decompressed to the archive's contents.
        response = session.get(found.link.url_without_fragment, headers={"Accept-Encoding": "identity"})
        response.raise_for_status()
        path = Path(folder) / found.link.filename
        path.write_bytes(response.content)
        print(path)


main(*sys.argv[1:])
