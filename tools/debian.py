"""Fetch packages of Debian (or Ubuntu) and unpack them into a folder: no root, nothing changed on the system.

apt-get works with its own sources list, state, lists and cache below build/apt/SUITE-ARCHITECTURE/.
It uses the mirror, proxies and keys that are configured on the machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from tools.commands import run
from tools.errors import ToolError
from tools.paths import BUILD, locked

COMPONENTS = {"Debian": "main", "Ubuntu": "main universe"}
KEYRINGS = [
    "/usr/share/keyrings/{}-archive-keyring.gpg",
    "/usr/share/keyrings/{}-archive-keyring.pgp",
]


class Mirror(NamedTuple):
    """A package archive that is configured on this machine."""

    origin: str  # "Debian" or "Ubuntu"
    site: str
    suite: str  # the machine's own


def here() -> bool:
    """Whether this machine has the tools that fetch and unpack packages."""
    return all(shutil.which(tool) for tool in ("apt-get", "dpkg"))


@lru_cache
def architecture() -> str:
    """The machine's own architecture, as Debian calls it."""
    return _output(["dpkg", "--print-architecture"]).strip()


@lru_cache
def mirror() -> Mirror:
    """The archive that this machine takes its own packages from."""
    release = _os_release()
    own = [release.get("VERSION_CODENAME", ""), release.get("UBUNTU_CODENAME", "")]
    found = _fetched_mirrors() or _listed_mirrors(release)
    if not found:
        raise ToolError(
            "apt-get is set up with no Debian or Ubuntu mirror; add one to its sources, or install by hand"
        )
    return next((item for item in found if item.suite in own), found[0])


def unpack(
    packages: Sequence[str],
    suite: str,
    arch: str,
    folder: Path,
    depends: bool = True,
    left_out: Sequence[str] = (),
) -> None:
    """Unpack packages of a suite, with all that they depend on unless `depends` is false, into `folder`.

    left_out: patterns of the names of packages that are not unpacked.
    """
    if not here():
        raise ToolError(f"{', '.join(packages)}: apt-get and dpkg are not here to fetch it")
    # Until all is unpacked: the next one to fetch from this suite begins by deleting the files.
    with locked(f"apt-{suite}-{arch}"):
        for deb in _fetch(packages, suite, arch, depends):
            if any(fnmatch(deb.name.partition("_")[0], pattern) for pattern in left_out):
                continue
            _run(["dpkg", "-x", str(deb), str(folder)], f"unpacking {deb.name}")


def _fetch(packages: Sequence[str], suite: str, arch: str, depends: bool) -> list[Path]:
    """Download packages, with all that they depend on unless `depends` is false; give their files."""
    home = BUILD / "apt" / f"{suite}-{arch}"
    what = f"{', '.join(packages)} of {suite} for {arch}"
    apt = ["apt-get", "-q", "-c", str(_configure(home, suite, arch))]
    archives = home / "cache" / "archives"
    for old in archives.glob("*.deb"):
        old.unlink()
    _run([*apt, "update"], f"fetching the package lists for {what}")
    if depends:
        command = [*apt, "install", "-y", "--download-only", "--no-install-recommends", *packages]
        _run(command, f"fetching {what}")
    else:
        _run([*apt, "download", *packages], f"fetching {what}", archives)
    return sorted(archives.glob("*.deb"))


def _configure(home: Path, suite: str, arch: str) -> Path:
    """Write apt-get's private configuration; it is read after the machine's own and overrides parts of it."""
    for folder in ("lists/partial", "cache/archives/partial", "log", "etc"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    (home / "status").write_text("")
    at = mirror()
    keyring = next(filter(os.path.exists, (name.format(at.origin.lower()) for name in KEYRINGS)), None)
    options = f"arch={arch} target=Packages" + (f" signed-by={keyring}" if keyring else "")
    (home / "sources.list").write_text(f"deb [{options}] {at.site} {suite} {COMPONENTS[at.origin]}\n")
    conf = home / "apt.conf"
    # The hooks are cleared because they would touch the system. Containers switch off the cache of the lists;
    # without it, each apt-get reads them all again.
    conf.write_text(
        f"""#clear APT::Architectures;
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
Dir::Etc::sourcelist "{home}/sources.list";
Dir::Etc::sourceparts "{home}/etc";
Dir::Etc::preferences "{home}/etc/preferences";
Dir::Etc::preferencesparts "{home}/etc";
Dir::State "{home}";
Dir::State::lists "{home}/lists";
Dir::State::status "{home}/status";
Dir::State::extended_states "{home}/extended_states";
Dir::Cache "{home}/cache";
Dir::Cache::archives "{home}/cache/archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Log "{home}/log";
"""
    )
    return conf


def _fetched_mirrors() -> list[Mirror]:
    """The mirrors whose lists this machine has fetched; only the lists tell the origin."""
    form = "$(ORIGIN)|$(SITE)|$(CODENAME)|$(COMPONENT)|$(CREATED_BY)"
    rows = [line.split("|") for line in _output(["apt-get", "indextargets", "--format", form]).splitlines()]
    return [
        Mirror(row[0], row[1], row[2])
        for row in rows
        if len(row) == 5 and row[0] in COMPONENTS and row[3:] == ["main", "Packages"]
    ]


def _listed_mirrors(release: dict[str, str]) -> list[Mirror]:
    """The configured mirrors of a machine that never fetched a list, such as a new container."""
    family = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".split()
    origin = "Ubuntu" if "ubuntu" in family else "Debian"
    address = re.compile(r"^'(\S+?)/+dists/([^/]+)/main/binary-[^/]+/Packages")
    found = (address.match(line) for line in _output(["apt-get", "--print-uris", "update"]).splitlines())
    return [Mirror(origin, match[1], match[2]) for match in found if match]


def _os_release() -> dict[str, str]:
    """What /etc/os-release says."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key: value.strip("\"'") for key, _, value in pairs}


def _output(command: list[str]) -> str:
    """What a command prints, or nothing when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout


def _run(command: list[str], doing: str, cwd: Path | None = None) -> None:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    run(command, f"{doing} failed", "^E: .*", cwd=cwd, env=environment)
