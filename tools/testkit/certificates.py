"""Throw-away certificates for a run of the tests."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization


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
        authority = trustme.CA()
        self._write_authority("ca", authority)
        self._write_authority("other-ca", trustme.CA())
        names = ("localhost", "127.0.0.1", "::1")
        now, day = datetime.now(timezone.utc), timedelta(days=1)
        # Not for ever: ejabberd has a timer for the day on which it expires, and timers are for 292 years at the most.
        self._write("server", authority.issue_cert(*names, not_after=now + 365 * day))
        expired = authority.issue_cert(*names, not_before=now - 9 * day, not_after=now - day)
        self._write("expired", expired)
        self._write("wrong-name", authority.issue_cert("elsewhere.example"))
        self._write("client", authority.issue_cert("device@example.org", common_name="device"))

    def pem(self, name: str) -> str:
        """The file of a certificate, or `NAME-key` of its key, in PEM."""
        return str(self.folder / f"{name}.pem")

    def der(self, name: str) -> str:
        """The same in DER."""
        return str(self.folder / f"{name}.der")

    def _write_authority(self, name: str, authority: trustme.CA) -> None:
        authority.cert_pem.write_to_path(self.pem(name))
        self._write_der(name, authority.cert_pem.bytes())

    def _write(self, name: str, issued: trustme.LeafCert) -> None:
        chain = issued.cert_chain_pems[0]
        chain.write_to_path(self.pem(name))
        self._write_der(name, chain.bytes())
        issued.private_key_pem.write_to_path(self.pem(f"{name}-key"))
        key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
        Path(self.der(f"{name}-key")).write_bytes(
            key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )

    def _write_der(self, name: str, pem: bytes) -> None:
        der = x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
        Path(self.der(name)).write_bytes(der)
