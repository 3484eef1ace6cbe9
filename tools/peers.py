"""The clients that umqtt2 is held against: source archives from PyPI, unpacked below build/peers/.

pip fetches them, see tools/pip_fetch.py, so its own settings count: index, proxy, certificates, a folder of
archives. They are never committed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tools.missing import Missing
from tools.place import BUILD, fresh, locked

PIP_FETCH = Path(__file__).with_name("pip_fetch.py")


class Peer(NamedTuple):
    """
    project  its name on PyPI
    version  the one that is measured
    sha256   of its archive
    module   where the archive has what goes into a board's /lib: a package's folder, or a file
    """

    project: str
    version: str
    sha256: str
    module: str = "umqtt"


PEERS = {
    "umqtt.simple": Peer(
        "micropython-umqtt.simple",
        "1.3.4",
        "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f",
    ),
    "umqtt.robust": Peer(
        "micropython-umqtt.robust",
        "1.0",
        "22a1b8c8e1128281efb13b3020927d07e33c5b747869da2cd77d37983a9ea002",
    ),
    "umqtt.simple2": Peer(
        "micropython-umqtt.simple2",
        "2.2.0",
        "48fd4da7701b95986293b06d343fbc564ebe7dfa82f5c8c09364c20df755f0e4",
    ),
    "umqtt.robust2": Peer(
        "micropython-umqtt.robust2",
        "2.2.0",
        "da3a09a570868d8e4ae6d2fad475230f6f2b130b45711be6873f83b10ebd4a6c",
    ),
    "aiomqttc": Peer(
        "aiomqttc",
        "1.0.7",
        "cd41bd0ef0f36e3c73213f38b2eb6bb2b4f27637f77831240a9e4c8ce5ca51a2",
        "aiomqttc.py",
    ),
    "chumicro-mqtt": Peer(
        "chumicro-mqtt",
        "0.30.3",
        "39bcfe15e5b2ec745864872a53e214cb105e299eeee59adc6185cae59615b9cf",
        "src/chumicro_mqtt",
    ),
    # Two packages that chumicro-mqtt depends on. It needs the third, chumicro-config, only in from_config().
    "chumicro-sockets": Peer(
        "chumicro-sockets",
        "0.21.3",
        "fe29c9ad2e9fabd5a7929264c5cb3d5536ad784b2c24d735627e4e1bff09619a",
        "src/chumicro_sockets",
    ),
    "chumicro-timing": Peer(
        "chumicro-timing",
        "0.8.4",
        "5428d60ca79a99efe1e7453ef3cc7fba810a7f623becd5779d59cfa2c7a0fc9d",
        "src/chumicro_timing",
    ),
}
VERSIONS = {name: peer.version for name, peer in PEERS.items()}


def folder(name: str) -> Path:
    """The sources of a peer, as its archive has them; `name` is a key of PEERS."""
    peer = PEERS[name]
    target = BUILD / "peers" / f"{name}-{peer.version}"
    with locked(f"peer-{name}"):
        if not target.exists():
            fetch(peer, target)
    return target


def module(name: str) -> Path:
    """What of a peer goes into a board's /lib: a folder or a file."""
    return folder(name) / PEERS[name].module


def fetch(peer: Peer, target: Path) -> None:
    """Have pip fetch a source archive, and unpack it as `target`."""
    with tempfile.TemporaryDirectory() as place, fresh(target) as draft:
        archive = _download(peer, Path(place))
        unpack(archive, draft)
        if not (draft / peer.module).exists():
            raise Missing(f"{archive.name}: the archive has no {peer.module}")


def unpack(archive: Path, target: Path) -> None:
    """Unpack what is inside the archive's one top folder: plain files only, and none outside `target`."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                inside = PurePosixPath(member.name).parts[1:]
                if member.isfile() and inside and ".." not in inside:
                    path = target.joinpath(*inside)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    data = tar.extractfile(member)
                    assert data
                    path.write_bytes(data.read())
    except (tarfile.TarError, OSError, EOFError) as error:
        raise Missing(f"{archive.name}: it does not unpack: {error}") from None


def _download(peer: Peer, place: Path) -> Path:
    """Fetch the archive to `place`, and check that it is the one that it always was."""
    what = f"{peer.project} {peer.version}"
    done = subprocess.run(
        [sys.executable, str(PIP_FETCH), peer.project, peer.version, str(place)],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["it does not say why"]
        # Whatever keeps pip from the index, in the end it has found no such version.
        why = next((line for line in lines if line.startswith("Could not fetch URL")), lines[-1])
        raise Missing(f"{what}: pip could not fetch it: {why[:300]}")
    archive = Path(done.stdout.splitlines()[-1])
    if hashlib.sha256(archive.read_bytes()).hexdigest() != peer.sha256:
        raise Missing(f"{what}: {archive.name} is not the archive that it was; its SHA-256 is another one")
    return archive
