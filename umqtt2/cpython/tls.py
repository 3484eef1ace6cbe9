"""TLS on CPython, in the place of `transport.tls`'s own."""

from __future__ import annotations

import base64
import errno
import os
import ssl as _ssl
import tempfile

from ..transport import tls as _device
from .socket import named


class TLSTransport(_device.TLSTransport):
    """As on a device, but without `cadata` the system's store verifies, as does a broker's address."""

    def __init__(
        self,
        server: str,
        port: int = 8883,
        context: _ssl.SSLContext | bool | None = None,
        cadata: str | bytes | None = None,
        cert: str | bytes | None = None,
        key: str | bytes | None = None,
        server_hostname: str | None = "",
        verify: bool | int | None = None,
        cert_reqs: int | None = None,
        do_handshake: object = None,
        server_side: object = None,
    ) -> None:
        if context is None or context is True:
            if cert_reqs is not None:
                verify = cert_reqs
            verify = verify is None or bool(verify)
            authority = _load(cadata, "cadata")
            _device.check_pair(cert, key)
            if cadata is not None and not authority:
                raise ValueError("cadata: empty")
            context = _context(authority, _load(cert, "cert"), _load(key, "key"), verify)
            if server_hostname is None:
                context.check_hostname = False
        # CPython verifies addresses, too, and sends no SNI for them.
        super().__init__(
            server, port, context, server_hostname=server if server_hostname == "" else server_hostname
        )

    def _write(self, buf: bytes | bytearray | memoryview, offset: int, n: int) -> int | None:
        try:
            return super()._write(buf, offset, n)
        except (_ssl.SSLEOFError, _ssl.SSLZeroReturnError, ConnectionResetError) as e:
            if self._connected:
                raise
            reset = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
            raise named(reset, _device.ADVICE) from e

    def wrap(self) -> None:
        self.pollable.real = self._context.wrap_socket(
            self.pollable.real, server_hostname=self._hostname, do_handshake_on_connect=False
        )


def _load(data: str | bytes | None, name: str) -> bytes:
    found = _device.load(data)
    if not isinstance(found, (bytes, bytearray, memoryview)):
        raise _not_a_certificate(name)
    return bytes(found)


def _not_a_certificate(name: str) -> ValueError:
    return ValueError(f"{name}: not a certificate, or key, in PEM or DER")


def _context(
    cadata: bytes, cert: bytes, key: bytes, verify: bool
) -> _ssl.SSLContext:
    context = _ssl.SSLContext(_ssl.PROTOCOL_TLS_CLIENT)
    if not verify:
        context.check_hostname = False
        context.verify_mode = _ssl.CERT_NONE
    try:
        if cadata:
            context.load_verify_locations(cadata=cadata.decode("ascii", "ignore") if _is_pem(cadata) else cadata)
        elif verify:
            context.load_default_certs()
    except (_ssl.SSLError, ValueError) as e:
        raise _not_a_certificate("cadata") from e
    if cert:
        _load_cert_chain(context, cert, key)
    return context


def _is_pem(data: bytes) -> bool:
    return b"-----BEGIN" in data


def _pem(data: bytes, label: str) -> bytes:
    if _is_pem(data):
        return data
    body = base64.encodebytes(data).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def _load_cert_chain(context: _ssl.SSLContext, cert: bytes, key: bytes) -> None:
    # CPython loads these from PEM files alone, and DER does not say which kind of key it is.
    for label in ("PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"):
        pem = _pem(cert, "CERTIFICATE") + b"\n" + _pem(key, label)
        handle, name = tempfile.mkstemp(suffix=".pem")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(pem)
            context.load_cert_chain(name)
            return
        except _ssl.SSLError:
            continue
        finally:
            os.unlink(name)
    raise _not_a_certificate("cert")
