"""The size budget kept in the repository: what a profile may take at the most."""

from __future__ import annotations

from collections.abc import Mapping
from configparser import ConfigParser

from tools.sizes.figures import PLAIN_HEAP, TLS_HEAP, Figures
from tools.sizes.paths import BUDGET

LIMITED = ("mpy_bytes", "import_heap", PLAIN_HEAP, TLS_HEAP)
VM = "vm"  # the section that says what was measured on

HEAD = """\
# What each profile may take at the most, in bytes. `make test` fails when one takes more.
#
# mpy_bytes    of all its files
# import_heap  heap that the import takes
# plain_heap   heap in which a program connects, subscribes and echoes 20 messages at QoS 1
# tls_heap     the same over TLS, with a verified certificate
#
# `python -m tools.sizes --write-budget` writes what it measures. Heaps hold for this VM only.
"""


def read() -> dict[str, dict[str, int]]:
    """The limits of each profile."""
    ini = _ini()
    return {
        profile: {name: ini.getint(profile, name) for name in ini.options(profile)}
        for profile in ini.sections()
        if profile != VM
    }


def vm() -> str:
    """The VM that the heaps hold for, as `tools.sizes.vm.version` says it."""
    return _ini().get(VM, "version")


def write(version: str, rows: Mapping[str, Figures]) -> None:
    """Make the figures of some profiles their limits; the others keep theirs."""
    ini = _ini()
    ini.read_dict({VM: {"version": version}})
    for profile, figures in rows.items():
        limits = {name: str(figures[name]) for name in LIMITED if figures.get(name) is not None}
        ini.read_dict({profile: limits})
    with open(BUDGET, "w", encoding="utf-8") as file:
        file.write(HEAD + "\n")
        ini.write(file)


def exceeded(profile: str, figures: Figures) -> list[str]:
    """A line for each limit that a profile exceeds; figures that were not measured are left out."""
    limits = read()[profile]
    return [
        f"{profile}: {name} is {value:,}, {value - limits[name]:,} over the budget of {limits[name]:,}"
        for name, value in figures.items()
        if value is not None and name in limits and value > limits[name]
    ]


def _ini() -> ConfigParser:
    ini = ConfigParser(interpolation=None)
    ini.read(BUDGET, encoding="utf-8")
    return ini
