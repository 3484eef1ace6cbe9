"""TLS over TCP."""

from binascii import a2b_base64

from ..constants import CHECKS, READABLE, WRITABLE
from .tcp import TCPTransport, named

try:
    import tls
except ImportError:
    import ssl as tls  # MicroPython 1.22; CPython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generator

# MicroPython's numbers for PROTOCOL_TLS_CLIENT, CERT_REQUIRED, CERT_NONE; CPython's do not come here.
TLS_CLIENT = 0
REQUIRED = 2
NONE = 0
HANDSHAKE_MS = 20  # between two looks at a handshake
ADVICE = "is it a port for TLS?"  # where the other side closes amid it


class TLSTransport(TCPTransport):
    """A TLS connection to the broker, which is verified unless it was told otherwise."""

    _connected = False  # the handshake is done

    def __init__(
        self,
        server: "str",
        port: "int" = 8883,
        context: "Any" = None,
        cadata: "str | bytes | None" = None,
        cert: "str | bytes | None" = None,
        key: "str | bytes | None" = None,
        server_hostname: "str | None" = "",
        verify: "bool | int | None" = None,
        cert_reqs: "int | None" = None,
        do_handshake: "object" = None,
        server_side: "object" = None,
    ) -> "None":
        """
        server, port     as for TCPTransport
        context          an SSLContext of the program's own; replaces cadata, cert, key and verify
        cadata           certificate of the authority that signed the broker's
        cert, key        the client's own certificate and private key, where the broker asks for them
        server_hostname  the name to ask for (SNI) and to find in the certificate; default `server`, or None
                         when that is an address and nothing is verified; None asks for none
        verify           False connects to whoever answers: the connection is then private, but not
                         known to be with the broker

        Certificates and keys are DER as bytes, PEM as bytes or text, or the name of a file with either.

        Raises ValueError when there is nothing to verify with (on CPython the system's store does), when
        `server` is an address and there is no name to verify, or for what is no certificate or key;
        OSError when a file cannot be read.

        The client passes its `ssl` as `context` and its `ssl_params` as the rest. True as a context does what
        umqtt.simple2 did: without a CA, and without `verify`, it does not verify, but says so in a line.
        `cert_reqs` is umqtt.simple2's word for `verify`; do_handshake and server_side are accepted and mean nothing.
        """
        super().__init__(server, port)
        if context is None or context is True:
            if cert_reqs is not None:
                verify = cert_reqs
            if verify is None:
                verify = True
                if context and cadata is None:
                    verify = False
                    print("umqtt2: no cadata, broker not verified")
            if verify and not cadata:
                raise ValueError("cadata: needed to verify the broker, unless verify=False")
            check_pair(cert, key)
            context = tls.SSLContext(TLS_CLIENT)
            context.verify_mode = REQUIRED if verify else NONE
            _load_certificates(context, cadata, cert, key)
        elif CHECKS:
            _check_context(context, cadata, cert)
        if server_hostname == "":
            server_hostname = server
            if is_address(server):  # which no SNI may have [RFC 6066, 3]
                if context.verify_mode:
                    raise ValueError("server_hostname: needed to verify a broker at an address")
                server_hostname = None
        self._context = context
        self._hostname = server_hostname

    def opening(self, timeout_ms: "int") -> "Generator[None, None, None]":
        """Connect as TCPTransport does and prepare for TLS; the handshake comes with the first
        `write`, which returns None until it is done and raises OSError when it fails."""
        self._connected = False
        yield from super().opening(timeout_ms)
        self.wrap()
        self.readinto = self.sock.readinto
        self.write = self._write

    def wrap(self) -> "None":
        """Put TLS on the socket, without a handshake."""
        self.sock = self._context.wrap_socket(
            self.pollable, server_hostname=self._hostname, do_handshake_on_connect=False
        )

    def _write(self, buf: "bytes | bytearray | memoryview", offset: "int", n: "int") -> "int | None":
        # `write`, after `open`. See the contract in `umqtt2.transport`.
        try:
            taken: "int | None" = self.sock.write(buf, offset, n)
        except ValueError as e:  # MicroPython's way to say that a certificate does not verify
            raise OSError(advised(str(e).strip()))
        except OSError as e:
            if self._connected or e.args[1:]:  # MicroPython has a text for an error of TLS itself
                raise
            raise named(e, ADVICE)
        if taken:
            self._connected = True
        return taken

    def wait(self, flags: "int", timeout_ms: "int") -> "None":
        """See the contract in `umqtt2.transport`."""
        if flags == WRITABLE and not self._connected:
            # Who wants to write waits for the peer's half of the handshake: for something to read. The
            # rare times when it is the other way round cost a short nap.
            flags = READABLE
            if not 0 <= timeout_ms < HANDSHAKE_MS:
                timeout_ms = HANDSHAKE_MS
        super().wait(flags, timeout_ms)


def check_pair(cert: "object", key: "object") -> "None":
    """Raise ValueError for a certificate without its key, or the other way round."""
    if (cert is None) != (key is None):
        raise ValueError("cert and key: one without the other")


def _load_certificates(
    context: "Any", cadata: "str | bytes | None", cert: "str | bytes | None", key: "str | bytes | None"
) -> "None":
    """Give a context what TLSTransport was made with. Raises ValueError with the name of what is not as it should be,
    OSError for a file that cannot be read."""
    what = "cadata"
    try:
        if cadata:
            ca = der(load(cadata))
            try:
                context.load_verify_locations(None, cadata=ca)  # MicroPython 1.22
            except TypeError:
                context.load_verify_locations(ca)
        what = "cert"
        if cert:
            context.load_cert_chain(der(load(cert)), der(load(key)))
    except (ValueError, AttributeError):
        raise ValueError(what + ": not a certificate, or key, in PEM or DER")


def _check_context(context: "object", cadata: "object", cert: "object") -> "None":
    """Raise TypeError for what is not an SSLContext, and ValueError for certificates beside one."""
    if not hasattr(context, "wrap_socket"):
        raise TypeError("ssl: not True or an SSLContext but %s" % type(context).__name__)
    if cadata or cert:
        raise ValueError("ssl_params: certificates belong into the SSLContext, which is given too")


def is_address(server: "str") -> "bool":
    """Return whether `server` is an IP address."""
    return ":" in server or server.replace(".", "").isdigit()


def load(data: "str | bytes | None") -> "bytes":
    """Return a certificate or key as bytes; a str is PEM, or the name of the file that has it."""
    if isinstance(data, str):
        if "-----BEGIN" in data:
            return data.encode()
        try:
            with open(data, "rb") as file:
                data = file.read()
        except OSError as e:
            raise named(e, data)  # type: ignore[arg-type]
    return data or b""


def advised(text: "str") -> "str":
    """Return in one line what is wrong with a certificate, and what to do, as far as `umqtt2.texts` is there."""
    try:
        from ..texts import certificate

        text = certificate(text)
    except Exception:  # the file is not there, or not whole, or there is no memory for it
        pass
    return text


def der(data: "bytes") -> "bytes":
    """Return a certificate or key as DER; PEM that a VM may not read is decoded here, when there is one."""
    parts = data.split(b"-----")  # what is before, "BEGIN ...", base64, "END ...", what is behind
    found = data
    for i in range(1, len(parts) - 2, 4):
        if b"PARAMETERS" not in parts[i]:
            if found is not data:
                return data  # more than one
            found = a2b_base64(parts[i + 1])
    return found


try:
    from ..cpython.tls import TLSTransport  # noqa: F401
except ImportError:
    pass
