"""TLS over TCP."""

from .tcp import TCPTransport

try:
    from ..hosted.tls import SYSTEM_STORE, client_context, wrap
except ImportError:
    try:
        import tls
    except ImportError:
        import ssl as tls  # MicroPython 1.22, where it is the same module

    SYSTEM_STORE = False  # a board has no certificates but those that it is given

    def client_context(cadata, cert, key, verify):  # type: ignore
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED if verify else tls.CERT_NONE
        if cadata:
            context.load_verify_locations(cadata)
        if cert:
            context.load_cert_chain(cert, key)
        return context

    def wrap(context, sock, hostname):  # type: ignore
        return context.wrap_socket(sock, server_hostname=hostname, do_handshake_on_connect=False)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HANDSHAKE_POLL_MS = 50


def file_or_bytes(data: "str | bytes | None") -> "bytes | None":
    """Return certificate or key `data`; a str is the name of the file that has it."""
    if isinstance(data, str):
        with open(data, "rb") as file:
            return file.read()
    return data


class TLSTransport(TCPTransport):
    """A TLS connection to the broker, which is verified unless it was told otherwise."""

    def __init__(
        self,
        server: "str",
        port: "int" = 8883,
        *,
        cadata: "str | bytes | None" = None,
        cert: "str | bytes | None" = None,
        key: "str | bytes | None" = None,
        server_hostname: "str | None" = "",
        verify: "bool" = True,
        context: "Any" = None
    ) -> "None":
        """
        server, port     as for TCPTransport
        cadata           certificate of the authority that signed the broker's
        cert, key        the client's own certificate and private key, where the broker asks for them
        server_hostname  the name to ask for (SNI) and to find in the certificate; default `server`,
                         None asks for none
        verify           False connects to whoever answers: the connection is then private, but not
                         known to be with the broker
        context          an SSLContext made by the program; replaces cadata, cert, key and verify

        Certificates and keys are DER as bytes, or the name of a file with them; PEM where the VM's
        TLS can read it (CPython always can).

        Raises ValueError when there is nothing to verify with (CPython uses the system's store) or
        what was given is no certificate or key; OSError when a file cannot be read.
        """
        super().__init__(server, port)
        if context is None:
            if verify and not cadata and not SYSTEM_STORE:
                raise ValueError("TLS needs cadata= to verify the broker, or verify=False")
            context = client_context(
                file_or_bytes(cadata), file_or_bytes(cert), file_or_bytes(key), verify
            )
        self._context = context
        self._hostname = server if server_hostname == "" else server_hostname
        self._shaken = False

    def open(self, timeout_ms: "int") -> "None":
        """Connect as TCPTransport does and prepare for TLS; the handshake comes with the first
        `write`, which returns None until it is done and raises OSError when it fails."""
        super().open(timeout_ms)
        self._shaken = False
        self.sock = wrap(self._context, self._raw, self._hostname)

    def write(self, buf: "bytes | bytearray | memoryview", n: "int", offset: "int") -> "int | None":
        """See the contract in `umqtt2.transport`."""
        taken = self.sock.write(buf, offset, n)
        if taken:
            self._shaken = True
        return taken  # type: ignore[no-any-return]

    def wait(self, flags: "int", timeout_ms: "int") -> "None":
        """See the contract in `umqtt2.transport`."""
        if not self._shaken:
            # Who writes waits for the peer's half of the handshake most of the time; the rare time
            # when it is the other way round costs one short nap.
            flags = 1
            if not 0 <= timeout_ms < HANDSHAKE_POLL_MS:
                timeout_ms = HANDSHAKE_POLL_MS
        super().wait(flags, timeout_ms)


def simple2_transport(
    server: "str", port: "int", ssl: "object", params: "dict[str, object]"
) -> "TLSTransport":
    """Return the transport for the client's `ssl` and `ssl_params`, with umqtt.simple2's meaning.

    ssl     True or an SSLContext
    params  key, cert, cadata, cert_reqs, server_hostname; do_handshake and server_side are accepted
            and mean nothing

    Without a CA the broker is not verified, and a line of warning is printed (CPython verifies with
    the system's store). Raises TypeError for a parameter that it does not know.
    """
    params = dict(params)
    for name in ("do_handshake", "server_side"):
        params.pop(name, None)
    verify = params.pop("cert_reqs", SYSTEM_STORE or params.get("cadata"))
    if hasattr(ssl, "wrap_socket"):
        params["context"] = ssl
    elif not verify:
        print("umqtt2: the broker's certificate is not verified: give ssl_params a cadata")
    return TLSTransport(server, port, verify=bool(verify), **params)  # type: ignore[arg-type]
