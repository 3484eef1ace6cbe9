"""Fetch packages of Debian (or Ubuntu) and unpack them into a folder: no root, nothing changed on the system.

apt-get works with its own sources list, state, lists and cache below build/apt/SUITE-ARCHITECTURE/.
It uses the mirror, proxies and keys that are configured on the machine.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from tools.commands import run
from tools.errors import ToolError, Unsupported
from tools.paths import BUILD, locked

RELEASE = Path("/etc/os-release")
SMALL = {"amd64": "i386", "arm64": "armhf", "i386": "i386", "armhf": "armhf"}
COMPONENTS = {"Debian": "main", "Ubuntu": "main universe"}

# Read after the machine's own configuration. Its hooks are cleared because they would touch the system. Containers
# switch off the cache of the lists; without it, each apt-get reads them all again.
CONFIGURATION = """#clear APT::Architectures;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear APT::Default-Release;
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Dir "{home}/";
Dir::Etc::trusted "/etc/apt/trusted.gpg";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
Dir::State::status "{home}/status";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
"""


class Mirror(NamedTuple):
    """The package archive that this machine takes its own packages from."""

    origin: str  # "Debian" or "Ubuntu"
    site: str
    suite: str  # the machine's own


def here() -> bool:
    """Whether this machine has the tools that fetch and unpack packages."""
    return all(map(shutil.which, ("apt-get", "dpkg")))


@lru_cache
def mirror() -> Mirror:
    """The archive."""
    text = RELEASE.read_text("utf-8") if RELEASE.exists() else ""
    known = dict(re.findall('^(\\w+)="?([^"\n]*)', text, re.MULTILINE))
    origin = "Ubuntu" if "ubuntu" in f"{known.get('ID')} {known.get('ID_LIKE')}".split() else "Debian"
    listed = _run(["apt-get", "--print-uris", "update"], "apt-get")
    found = re.findall(r"^'(\S+?)/+dists/([^/]+)/main/binary-[^/]+/Packages", listed, re.MULTILINE)
    if not found:
        raise ToolError("apt-get is set up with no Debian or Ubuntu mirror; add one to its sources, or install by hand")
    # That of the distribution that this one is made from comes first.
    own = [known.get(f"{name}_CODENAME") for name in ("UBUNTU", "DEBIAN", "VERSION")]
    site, suite = min(found, key=lambda pair: own.index(pair[1]) if pair[1] in own else len(own))
    return Mirror(origin, site, suite)


def unpack(
    packages: Sequence[str],
    suite: str,
    folder: Path,
    remedy: str,
    left_out: Sequence[str] = (),
    small: bool = False,
) -> None:
    """Unpack packages, with all that they depend on, into `folder`.

    suite     "" is the machine's own; on Ubuntu, whose mirrors have no suites of Debian, it always is
    remedy    what else the user can do, for errors; `Unsupported` says that this machine cannot have them
    left_out  patterns of the names of packages that are not unpacked
    small     those for 32 bits
    """
    try:
        if not here():
            raise Unsupported("apt-get and dpkg are not here to fetch it")
        arch = _run(["dpkg", "--print-architecture"], "dpkg").strip()
        at = mirror()
        if small and (arch not in SMALL or at.origin != "Debian"):
            raise Unsupported(f"{at.origin} for {arch} has none of 32 bits")
        arch = SMALL[arch] if small else arch
        suite = suite if suite and at.origin == "Debian" else at.suite
        # Until all is unpacked: the next one to fetch from this suite begins by deleting the files.
        with locked(f"apt-{suite}-{arch}"):
            for deb in _fetch(packages, suite, arch):
                if not any(fnmatch(deb.name.partition("_")[0], pattern) for pattern in left_out):
                    _run(["dpkg", "-x", str(deb), str(folder)], f"unpacking {deb.name}")
        # Absolute links would lead out of the folder.
        for path in folder.rglob("*"):
            target = os.readlink(path) if path.is_symlink() else ""
            if target.startswith("/"):
                path.unlink()
                path.symlink_to(os.path.relpath(folder / target[1:], path.parent))
    except ToolError as error:
        # apt-get says so when a package does not exist for an architecture.
        absent = re.search("Unable to locate package|has no installation candidate", str(error))
        kind = Unsupported if absent else type(error)
        raise kind(f"{packages[0]}: {error}; {remedy}") from None


def _fetch(packages: Sequence[str], suite: str, arch: str) -> list[Path]:
    """Download packages, with all that they depend on; give their files."""
    home = BUILD / "apt" / f"{suite}-{arch}"
    archives, lists = home / "var/cache/apt/archives", home / "var/lib/apt/lists"
    for folder in (archives / "partial", lists / "partial", home / "var/log/apt", home / "etc/apt"):
        folder.mkdir(parents=True, exist_ok=True)
    (home / "status").write_text("")
    at = mirror()
    keyring = next(Path("/usr/share/keyrings").glob(f"{at.origin.lower()}-archive-keyring.[gp]*"), None)
    signed_by = f" signed-by={keyring}" if keyring else ""
    source = f"deb [arch={arch} target=Packages{signed_by}] {at.site} {suite} {COMPONENTS[at.origin]}\n"
    (home / "etc/apt/sources.list").write_text(source)
    (home / "apt.conf").write_text(CONFIGURATION.format(home=home, arch=arch))
    for old in archives.glob("*.deb"):
        old.unlink()
    what = f"{', '.join(packages)} of {suite} for {arch}"
    apt = ["apt-get", "-q", "-c", str(home / "apt.conf")]
    update = [*apt, "update"], f"fetching the package lists for {what}"
    try:
        _run(*update)
    except ToolError:  # which a list can cause that was cut: then it is fetched anew
        cut = list(lists.glob("*Packages*"))
        if not cut:
            raise
        for old in cut:
            old.unlink()
        _run(*update)
    _run([*apt, "install", "-y", "--download-only", "--no-install-recommends", *packages], f"fetching {what}")
    return sorted(archives.glob("*.deb"))


def _run(command: list[str], doing: str) -> str:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    return run(command, f"{doing} failed", "^E: .*", env=environment)
