"""TLS over TCP."""

from .tcp import TCPTransport

try:
    import tls
except ImportError:
    import ssl as tls  # MicroPython 1.22, where it is the same module; CPython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HANDSHAKE_NAP = 50  # milliseconds


class TLSTransport(TCPTransport):
    """A TLS connection to the broker, which is verified unless it was told otherwise."""

    def __init__(
        self,
        server: "str",
        port: "int" = 8883,
        context: "Any" = None,
        cadata: "str | bytes | None" = None,
        cert: "str | bytes | None" = None,
        key: "str | bytes | None" = None,
        server_hostname: "str | None" = "",
        verify: "bool" = True,
    ) -> "None":
        """
        server, port     as for TCPTransport
        context          an SSLContext of the program's own; replaces cadata, cert, key and verify
        cadata           certificate of the authority that signed the broker's
        cert, key        the client's own certificate and private key, where the broker asks for them
        server_hostname  the name to ask for (SNI) and to find in the certificate; default `server`,
                         None asks for none
        verify           False connects to whoever answers: the connection is then private, but not
                         known to be with the broker

        Certificates and keys are DER as bytes, or the name of a file with them; PEM where the VM's
        TLS can read it (CPython always can).

        Raises ValueError when there is nothing to verify with (on CPython the system's store does),
        or for what is no certificate or key; OSError when a file cannot be read.
        """
        super().__init__(server, port)
        if not context:
            if verify and not cadata:
                raise ValueError("cadata: needed to verify the broker, unless verify=False")
            context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
            context.verify_mode = tls.CERT_REQUIRED if verify else tls.CERT_NONE
            if cadata:
                context.load_verify_locations(load(cadata))
            if cert:
                context.load_cert_chain(load(cert), load(key))
        self._context = context
        self._hostname = server if server_hostname == "" else server_hostname

    def open(self, timeout_ms: "int") -> "None":
        """Connect as TCPTransport does and prepare for TLS; the handshake comes with the first
        `write`, which returns None until it is done and raises OSError when it fails."""
        super().open(timeout_ms)
        self._shaken: "int | None" = 0
        self._wrap()

    def _wrap(self) -> "None":
        self.sock = self._context.wrap_socket(
            self._raw, server_hostname=self._hostname, do_handshake_on_connect=False
        )

    def write(self, buf: "bytes | bytearray | memoryview", n: "int", offset: "int") -> "int | None":
        """See the contract in `umqtt2.transport`."""
        try:
            taken = super().write(buf, n, offset)
        except ValueError as e:
            raise OSError(str(e))  # MicroPython's way to say that a certificate does not verify
        self._shaken = self._shaken or taken
        return taken

    def wait(self, flags: "int", timeout_ms: "int") -> "None":
        """See the contract in `umqtt2.transport`."""
        if not self._shaken:
            # Who writes waits for the peer's half of the handshake most of the time; the rare time
            # when it is the other way round costs one short nap.
            flags = 1
            if not 0 <= timeout_ms < HANDSHAKE_NAP:
                timeout_ms = HANDSHAKE_NAP
        super().wait(flags, timeout_ms)


def load(data: "str | bytes | None") -> "bytes | None":
    """Return certificate or key `data`; a str is the name of the file that has it."""
    if isinstance(data, str):
        with open(data, "rb") as file:
            return file.read()
    return data


def simple2_transport(
    server: "str",
    port: "int",
    ssl: "Any",
    cadata: "str | bytes | None" = None,
    cert_reqs: "int | None" = None,
    do_handshake: "object" = None,
    server_side: "object" = None,
    **params: "Any"
) -> "TLSTransport":
    """Return the transport for the client's `ssl` and `ssl_params`, with umqtt.simple2's meaning.

    ssl        True, or an SSLContext, which then decides everything
    cert_reqs  0 does not verify; by default a CA (cadata) verifies, and without one nothing does,
               which a line of warning says (on CPython the system's store verifies)
    params     cert, key and server_hostname of TLSTransport

    `do_handshake` and `server_side` are accepted and mean nothing; for any other name TypeError is raised.
    """
    verify = cadata if cert_reqs is None else cert_reqs
    if ssl is True:
        ssl = None
        if not verify:
            print("umqtt2: TLS without cadata: the broker is not verified")
    return TLSTransport(server, port, ssl, cadata, verify=bool(verify), **params)


try:
    from ..hosted.tls import TLSTransport, simple2_transport  # type: ignore # noqa: F401, F811
except ImportError:
    pass
