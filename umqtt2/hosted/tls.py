"""TLS for `transport.tls`, on CPython."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile

from .socket import socket

SYSTEM_STORE = True


def client_context(
    cadata: bytes | None, cert: bytes | None, key: bytes | None, verify: bool
) -> ssl.SSLContext:
    """Return a context for a client; certificates and key are DER or PEM.

    Without `cadata` the system's store verifies. Raises ValueError for what is no certificate or key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if cadata:
            context.load_verify_locations(cadata=cadata.decode() if _is_pem(cadata) else cadata)
        elif verify:
            context.load_default_certs()
    except ssl.SSLError as e:
        raise ValueError("cadata is not a certificate") from e
    if cert:
        _load_cert_chain(context, cert, key)
    return context


def wrap(context: ssl.SSLContext, sock: socket, hostname: str | None) -> socket:
    """Put TLS on a connected `sock`; the handshake comes with the first write."""
    sock.real = context.wrap_socket(
        sock.real, server_hostname=hostname, do_handshake_on_connect=False
    )
    return sock


def _is_pem(data: bytes) -> bool:
    return data.lstrip().startswith(b"-----BEGIN")


def _pem(data: bytes, label: str) -> bytes:
    if _is_pem(data):
        return data
    body = base64.encodebytes(data).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def _load_cert_chain(context: ssl.SSLContext, cert: bytes, key: bytes | None) -> None:
    # CPython loads these from PEM files alone, and DER does not say which kind of key it is.
    for label in ("PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"):
        pem = _pem(cert, "CERTIFICATE") + b"\n" + _pem(key or b"", label)
        handle, name = tempfile.mkstemp(suffix=".pem")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(pem)
            context.load_cert_chain(name)
            return
        except ssl.SSLError:
            continue
        finally:
            os.unlink(name)
    raise ValueError("cert and key are not a certificate and its private key")
