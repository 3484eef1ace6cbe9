"""Throw-away certificates for a run of the tests."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from pathlib import Path

import trustme


class Certificates:
    """Files in `folder`: NAME.pem for mosquitto and CPython, NAME.der (and NAME-key.der) for the device.

    ca, other-ca  authorities; nothing is signed by the other one
    server        for localhost and the loopback addresses
    expired       likewise, but since yesterday no longer valid
    wrong-name    for another host
    client        the device's own
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self._write("ca", self.authority.cert_pem)
        self._write("other-ca", trustme.CA().cert_pem)
        names = ("localhost", "127.0.0.1", "::1")
        now, day = datetime.now(timezone.utc), timedelta(days=1)
        # Not for ever: ejabberd has a timer for the day on which it expires, and timers are for 292 years at the most.
        self.add("server", self.authority.issue_cert(*names, not_after=now + 365 * day))
        self.add("expired", self.authority.issue_cert(*names, not_before=now - 9 * day, not_after=now - day))
        self.add("wrong-name", self.authority.issue_cert("elsewhere.example"))
        self.add("client", self.authority.issue_cert("device@example.org", common_name="device"))

    def add(self, name: str, issued: trustme.LeafCert) -> None:
        """Write a certificate and its key."""
        self._write(name, issued.cert_chain_pems[0])
        self._write(f"{name}-key", issued.private_key_pem)

    def pem(self, name: str) -> str:
        """The file of a certificate, or `NAME-key` of its key, in PEM."""
        return str(self.folder / f"{name}.pem")

    def der(self, name: str) -> str:
        """The same in DER."""
        return str(self.folder / f"{name}.der")

    def _write(self, name: str, blob: trustme.Blob) -> None:
        blob.write_to_path(self.pem(name))
        body = [line for line in blob.bytes().splitlines() if not line.startswith(b"-----")]
        Path(self.der(name)).write_bytes(base64.b64decode(b"".join(body)))
