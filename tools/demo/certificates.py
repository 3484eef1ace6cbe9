"""Certificates: an authority for one demo, or the user's own."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

import trustme

from tools.errors import ToolError


class Certificates(NamedTuple):
    """The files that the demo's own broker needs, and its authority in the form that devices read."""

    server: Path
    key: Path
    ca: Path
    ca_der: bytes


def throw_away(folder: Path, name: str) -> Certificates:
    """Make an authority and a broker's certificate for `name`; they are only for this demo."""
    ca = trustme.CA(organization_name="umqtt2 demo")
    server = ca.issue_cert(name)
    made = Certificates(
        server=folder / "server.pem",
        key=folder / "server.key",
        ca=folder / "ca.pem",
        ca_der=ssl.PEM_cert_to_DER_cert(ca.cert_pem.bytes().decode()),
    )
    server.cert_chain_pems[0].write_to_path(made.server)
    server.private_key_pem.write_to_path(made.key)
    ca.cert_pem.write_to_path(made.ca)
    return made


def own_authority(path: Path) -> bytes:
    """Read the one certificate in the user's file, PEM or DER, as DER: a device reads nothing else."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ToolError(f"demo: CAFILE={path} cannot be read: {error.strerror}") from None
    count = data.count(b"-----BEGIN CERTIFICATE-----")
    try:
        if not data:
            raise ValueError  # an empty file must not mean that nothing is verified
        if count > 1:
            raise ToolError(f"demo: CAFILE={path} has {count} certificates; give the one behind your broker's")
        der = ssl.PEM_cert_to_DER_cert(data[data.index(b"-----BEGIN") :].decode().strip()) if count else data
        ssl.create_default_context(cadata=der)
    except (ValueError, ssl.SSLError):
        raise ToolError(f"demo: CAFILE={path} is no certificate") from None
    return der
