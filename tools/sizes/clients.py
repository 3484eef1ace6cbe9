"""The clients that are measured: the profiles of umqtt2 and the peers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from tools import peers
from tools.device import PROFILES, build
from tools.sizes.compiled import compile_folder
from tools.sizes.place import PROGRAMS


class Client(NamedTuple):
    """
    name    in the tables
    module  what a program imports MQTTClient from
    peers   names of the archives that it is made of; none is a profile of umqtt2
    tls     whether it has TLS at all
    part    the profile of umqtt2 that it is a part of, when it is not a whole one
    """

    name: str
    module: str
    peers: tuple[str, ...] = ()
    tls: bool = True
    part: str = ""

    @property
    def ours(self) -> bool:
        """Whether it is a profile of umqtt2, or a part of one."""
        return not self.peers

    def lay_out(self, target: Path, optimise: bool = True) -> None:
        """Put what goes into a board's /lib into `target`, compiled.

        optimise  with the flags of our own builds; else as mpy-cross does by itself
        """
        if self.ours:
            shutil.copytree(build(self.part or self.name), target, dirs_exist_ok=True)
        for name in self.peers:
            compile_folder(peers.folder(name) / "umqtt", target / "umqtt", optimise)

    def lay_out_ussl(self, target: Path) -> None:
        """Add what the peers need for TLS and a board's firmware has."""
        if not self.ours:
            compile_folder(PROGRAMS, target, only="ussl.py")


# Not on PyPI, so its figures are not measured here: they are those in this project's design.
REPORTED = {"mqtt_as, as reported": {"mpy_bytes": 11179, "import_heap": 15888}}

CLIENTS: dict[str, Client] = {
    client.name: client
    for client in (
        *(Client(name, "umqtt2", tls=name != "core") for name in PROFILES),
        Client("robust, of full", "umqtt2.robust", part="full"),
        Client("aio, of full", "umqtt2.aio", part="full"),
        Client("umqtt.simple", "umqtt.simple", ("umqtt.simple",)),
        Client("umqtt.robust", "umqtt.robust", ("umqtt.simple", "umqtt.robust")),
        Client("umqtt.simple2", "umqtt.simple2", ("umqtt.simple2",)),
        Client("umqtt.robust2", "umqtt.robust2", ("umqtt.simple2", "umqtt.robust2")),
    )
}
