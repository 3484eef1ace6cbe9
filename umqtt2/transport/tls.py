"""TLS over TCP."""

from .tcp import TCPTransport

try:
    import tls
except ImportError:
    import ssl as tls  # MicroPython 1.22, where it is the same module; CPython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generator

# MicroPython's numbers for PROTOCOL_TLS_CLIENT, CERT_REQUIRED, CERT_NONE; CPython's do not come here.
TLS_CLIENT = 0
REQUIRED = 2
NONE = 0
READABLE = 1
WRITABLE = 4
HANDSHAKE_NAP = 20  # milliseconds


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
        verify: "bool | int" = True,
        cert_reqs: "int | None" = None,
        do_handshake: "object" = None,
        server_side: "object" = None,
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

        The client passes its `ssl` as `context` and its `ssl_params` as the rest. True as a context does
        what umqtt.simple2 did: without a CA it does not verify, but says so in a line. `cert_reqs` is
        umqtt.simple2's word for `verify`; do_handshake and server_side are accepted and mean nothing.
        """
        super().__init__(server, port)
        if context is None or context is True:
            if cert_reqs is not None:
                verify = cert_reqs
            if verify and not cadata:
                if cert_reqs or not context:
                    raise ValueError("cadata: needed to verify the broker, unless verify=False")
                verify = False
                print("umqtt2: no cadata, broker not verified")
            context = tls.SSLContext(TLS_CLIENT)
            context.verify_mode = REQUIRED if verify else NONE
            if cadata:
                context.load_verify_locations(load(cadata))
            if cert:
                context.load_cert_chain(load(cert), load(key))
        self._context = context
        self._hostname = server if server_hostname == "" else server_hostname

    def opening(self, timeout_ms: "int") -> "Generator[None, None, None]":
        """Connect as TCPTransport does and prepare for TLS; the handshake comes with the first
        `write`, which returns None until it is done and raises OSError when it fails."""
        yield from super().opening(timeout_ms)
        self._wrap()
        self.readinto = self.sock.readinto

    def _wrap(self) -> "None":
        self.sock = self._context.wrap_socket(
            self.pollable, server_hostname=self._hostname, do_handshake_on_connect=False
        )

    def write(self, buf: "bytes | bytearray | memoryview", n: "int", offset: "int") -> "int | None":
        """See the contract in `umqtt2.transport`."""
        try:
            return super().write(buf, n, offset)
        except ValueError as e:
            raise OSError(str(e))  # MicroPython's way to say that a certificate does not verify

    def wait(self, flags: "int", timeout_ms: "int") -> "None":
        """See the contract in `umqtt2.transport`."""
        if flags == WRITABLE:
            # Who wants to write waits for the peer's half of the handshake: for something to read. The
            # rare times when it is the other way round, or no handshake, cost a short nap.
            flags = READABLE
            timeout_ms = HANDSHAKE_NAP
        super().wait(flags, timeout_ms)


def load(data: "str | bytes | None") -> "bytes | None":
    """Return certificate or key `data`; a str is the name of the file that has it."""
    if isinstance(data, str):
        with open(data, "rb") as file:
            data = file.read()
    return data


try:
    from ..hosted.tls import TLSTransport  # noqa: F401
except ImportError:
    pass
