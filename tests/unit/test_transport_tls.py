"""Who is verified, and who is told when not. Real handshakes are in tests/device."""

from __future__ import annotations

import base64
import errno
import socket
import ssl
import threading
from types import SimpleNamespace
from unittest import mock

import pytest
import trustme

from tools.testkit.proxy import Server, closing
from umqtt2 import MQTTClient
from umqtt2.transport import tls
from umqtt2.transport.tls import TLSTransport

CA = trustme.CA()
CERT = CA.issue_cert("device")


def der(pem_blob):
    return ssl.PEM_cert_to_DER_cert(pem_blob.bytes().decode())


def ssl_der(key):
    body = key.bytes().decode().strip().splitlines()[1:-1]
    return base64.b64decode("".join(body))


CA_DER = der(CA.cert_pem)


class Context:
    """MicroPython's SSLContext, from 1.23 on.

    loaded  the CA that it was given, DER
    chain   the certificate and the key
    names   the `server_hostname` of each socket
    """

    loaded = chain = None
    verify_mode = 2

    def __init__(self):
        self.names = []

    def load_verify_locations(self, cadata, /):
        if not isinstance(cadata, bytes):
            raise TypeError("object with buffer protocol required")
        self.loaded = cadata

    def load_cert_chain(self, cert, key, /):
        self.chain = (cert, key)

    def wrap_socket(self, sock, *, server_hostname, do_handshake_on_connect):
        assert not do_handshake_on_connect
        self.names.append(server_hostname)
        return mock.Mock()


class Context122(Context):
    """MicroPython 1.22's, which takes a file's name first."""

    def load_verify_locations(self, cafile=None, *, cadata=None):
        if cafile is not None:
            raise OSError(errno.ENOENT)
        self.loaded = cadata


@pytest.fixture(params=[Context, Context122], ids=["1.23", "1.22"])
def board(mocker, request):
    """As on a board: its own TLSTransport, over a `tls` module that is not there."""

    class Board:
        tls = mocker.patch.object(tls, "tls", mocker.Mock(CERT_REQUIRED=2, CERT_NONE=0))
        transport = TLSTransport.__base__

        def context(self):
            """What the one context was given: CA, certificate and key, verify_mode."""
            made = self.tls.SSLContext.return_value
            self.tls.SSLContext.assert_called_once()
            return made.loaded, made.chain, made.verify_mode

    Board.tls.SSLContext.return_value = request.param()
    return Board()


def test_without_anything_to_verify_with_it_does_not_start(board):
    with pytest.raises(ValueError, match="cadata"):
        board.transport("host")


def test_unverified_only_when_told_so(board):
    board.transport("host", verify=False)
    assert board.context() == (None, None, 0)


def test_with_a_ca_it_verifies(board):
    board.transport("host", cadata=b"CA")
    assert board.context() == (b"CA", None, 2)


def test_a_context_is_the_programs_own_business(board):
    board.transport("host", context=SimpleNamespace(wrap_socket=None))
    board.tls.SSLContext.assert_not_called()


def test_certificates_from_files(board, tmp_path):
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_bytes(name.encode())
    board.transport(
        "host", cadata=str(tmp_path / "ca"), cert=str(tmp_path / "cert"), key=str(tmp_path / "key")
    )
    assert board.context() == (b"ca", (b"cert", b"key"), 2)


def test_a_missing_file_is_an_os_error(board):
    with pytest.raises(OSError):
        board.transport("host", cadata="/no/such/file")


def test_simple2_without_a_ca_connects_and_warns_in_one_line(board, capsys):
    board.transport("host", 8883, True)
    assert board.context() == (None, None, 0)
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "not verified" in out


@pytest.mark.parametrize("nothing", [b"", ""])
def test_an_empty_certificate_does_not_mean_an_unverified_broker(board, nothing):
    with pytest.raises(ValueError, match="cadata"):
        board.transport("host", 8883, True, cadata=nothing)
    board.tls.SSLContext.assert_not_called()


def test_simple2_with_a_ca_verifies_without_being_asked(board, capsys):
    board.transport("host", 8883, True, cadata=b"CA", cert=b"C", key=b"K")
    assert board.context() == (b"CA", (b"C", b"K"), 2)
    assert capsys.readouterr().out == ""


def test_simple2_cert_reqs_none_is_said_in_words(board, capsys):
    board.transport("host", 8883, True, cadata=b"CA", cert_reqs=ssl.CERT_NONE)
    assert board.context() == (b"CA", None, 0)
    assert capsys.readouterr().out == ""


def test_simple2_cert_reqs_required_needs_a_ca(board):
    with pytest.raises(ValueError):
        board.transport("host", 8883, True, cert_reqs=ssl.CERT_REQUIRED)


def test_told_to_verify_it_does_not_connect_unverified(board):
    with pytest.raises(ValueError, match="cadata"):
        board.transport("host", 8883, True, verify=True)
    board.tls.SSLContext.assert_not_called()


def test_ssl_params_without_ssl_would_connect_in_the_clear():
    with pytest.raises(ValueError, match="ssl_params"):
        MQTTClient("id", "host", ssl_params={"cadata": CA_DER})


def test_simple2_with_a_context(board, capsys):
    board.transport("host", 8883, SimpleNamespace(wrap_socket=None))
    board.tls.SSLContext.assert_not_called()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("transport", [TLSTransport.__base__, TLSTransport])
def test_simple2_parameters_that_mean_nothing_are_taken(board, transport):
    transport("host", 8883, True, cadata=CA_DER, server_side=False, do_handshake=True)


@pytest.mark.parametrize("transport", [TLSTransport.__base__, TLSTransport])
def test_simple2_unknown_parameters_are_an_error(board, transport):
    with pytest.raises(TypeError, match="colour"):
        transport("host", 8883, True, cadata=CA_DER, colour=1)


@pytest.mark.parametrize(
    "params, hostname",
    [({}, "host"), ({"server_hostname": "other"}, "other"), ({"server_hostname": None}, None)],
)
def test_the_name_that_is_asked_for(board, mocker, params, hostname):
    mocker.patch.object(tls.TCPTransport, "opening", return_value=iter(()))
    board.transport("host", 8883, True, cadata=b"CA", **params).open(1000)
    assert board.tls.SSLContext.return_value.names == [hostname]


ADDRESSES = ["192.0.2.7", "2001:db8::7"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_name_is_asked_for_at_an_address(board, mocker, address):
    """An address is no name for SNI; some servers refuse it."""
    mocker.patch.object(tls.TCPTransport, "opening", return_value=iter(()))
    board.transport(address, verify=False).open(1000)
    own = Context()
    own.verify_mode = 0
    board.transport(address, context=own).open(1000)
    assert board.tls.SSLContext.return_value.names == own.names == [None]


@pytest.mark.parametrize("address", ADDRESSES)
def test_to_verify_a_broker_at_an_address_a_name_is_needed(board, mocker, address):
    """Without one, any certificate of the same authority would do."""
    with pytest.raises(ValueError, match="server_hostname"):
        board.transport(address, cadata=b"CA")
    with pytest.raises(ValueError, match="server_hostname"):
        board.transport(address, context=Context())
    mocker.patch.object(tls.TCPTransport, "opening", return_value=iter(()))
    board.transport(address, cadata=b"CA", server_hostname="broker").open(1000)
    assert board.tls.SSLContext.return_value.names == ["broker"]


def test_who_waits_to_write_waits_for_the_peers_half_of_the_handshake(board, mocker):
    wait = mocker.patch.object(tls.TCPTransport, "wait")
    transport = board.transport("host", cadata=b"CA")
    transport.wait(4, 3000)
    transport.wait(1, 3000)
    assert [call.args for call in wait.call_args_list] == [(1, 20), (1, 3000)]


def test_after_the_handshake_who_waits_to_write_waits_for_room(board, mocker):
    mocker.patch.object(tls.TCPTransport, "opening", lambda *args: iter(()))
    wait = mocker.patch.object(tls.TCPTransport, "wait")
    transport = board.transport("host", cadata=b"CA")
    for _ in range(2):  # the next connection has a handshake of its own
        transport.open(1000)
        transport.sock.write.side_effect = [None, 5, None]
        for _ in range(3):
            transport.write(b"hello", 0, 5)
            transport.wait(4, 3000)
    assert [call.args for call in wait.call_args_list] == [(1, 20), (4, 3000), (4, 3000)] * 2


def test_a_certificate_that_does_not_verify_is_an_os_error(board, mocker):
    mocker.patch.object(tls.TCPTransport, "opening", return_value=iter(()))
    transport = board.transport("host", cadata=b"CA")
    transport.open(1000)
    transport.sock.write.side_effect = ValueError("expired")
    with pytest.raises(OSError, match="expired"):
        transport.write(b"hello", 0, 5)


def test_on_cpython_simple2_verifies_with_the_system_store(capsys):
    assert TLSTransport("host", 8883, True)._context.verify_mode == ssl.CERT_REQUIRED
    assert TLSTransport("host", 8883, True, cert_reqs=0)._context.verify_mode == ssl.CERT_NONE
    assert capsys.readouterr().out == ""


def test_on_cpython_the_system_store_verifies():
    context = TLSTransport("host")._context
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


PEM_FORMS = [
    lambda blob: blob.bytes(),
    lambda blob: blob.bytes().decode(),
    lambda blob: "Certificate:\n    of Zo\u00eb\n".encode() + blob.bytes().replace(b"\n", b"\r\n"),
]


@pytest.mark.parametrize("form", PEM_FORMS)
def test_pem_is_decoded_for_vms_that_do_not_read_it(board, form):
    cert, key = CERT.cert_chain_pems[0], CERT.private_key_pem
    board.transport("host", cadata=form(CA.cert_pem), cert=form(cert), key=form(key))
    assert board.context() == (CA_DER, (der(cert), ssl_der(key)), 2)


def test_pem_in_a_file(board, tmp_path):
    CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    board.transport("host", cadata=str(tmp_path / "ca.pem"))
    assert board.context()[0] == CA_DER


def test_a_key_with_its_parameters(board):
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    board.transport("host", verify=False, cert=b"C", key=parameters + CERT.private_key_pem.bytes())
    assert board.context()[1] == (b"C", ssl_der(CERT.private_key_pem))


def test_more_than_one_certificate_is_left_to_the_vm(board):
    """One that reads PEM takes them all, another one says that it does not."""
    both = CA.cert_pem.bytes() + trustme.CA().cert_pem.bytes()
    board.transport("host", cadata=both)
    assert board.context()[0] == both


@pytest.mark.parametrize("form", [der, *PEM_FORMS])
def test_on_cpython_der_and_pem(form):
    key = CERT.private_key_pem.bytes()
    context = TLSTransport(
        "host", cadata=form(CA.cert_pem), cert=form(CERT.cert_chain_pems[0]), key=key
    )._context
    assert context.get_ca_certs(binary_form=True) == [der(CA.cert_pem)]
    assert context.verify_mode == ssl.CERT_REQUIRED


def test_on_cpython_a_key_in_der():
    from cryptography.hazmat.primitives import serialization as s

    key = s.load_pem_private_key(CERT.private_key_pem.bytes(), None)
    for form in (s.PrivateFormat.PKCS8, s.PrivateFormat.TraditionalOpenSSL):
        data = key.private_bytes(s.Encoding.DER, form, s.NoEncryption())
        TLSTransport("host", cert=der(CERT.cert_chain_pems[0]), key=data)


@pytest.mark.parametrize(
    "bad",
    [
        {"cadata": b"nonsense"},
        {"cadata": b""},
        {"cadata": "-----BEGIN CERTIFICATE-----\nn\u00f6"},
        {"cert": b"nonsense", "key": b"nonsense"},
    ],
)
def test_what_is_no_certificate_is_a_value_error(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        TLSTransport("host", **bad)


def test_an_empty_file_does_not_mean_the_system_store(tmp_path):
    (tmp_path / "ca").touch()
    with pytest.raises(ValueError, match="cadata"):
        TLSTransport("host", cadata=str(tmp_path / "ca"))


def handshake(transport):
    """Let it connect to a server whose certificate is for an address; return whether that was accepted, and
    the name that the server was asked for."""
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("127.0.0.1").configure_cert(context)
    context.sni_callback = lambda sock, name, context: names.append(name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport.port = listener.getsockname()[1]
        transport.open(5000)
        server, _ = listener.accept()
        result = []

        def serve():
            try:
                with context.wrap_socket(server, server_side=True) as tls:
                    result.append(tls.recv(5) == b"hello")
            except OSError:
                result.append(False)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            while not transport.write(b"hello", 0, 5):
                transport.wait(4, 1000)
        except OSError:
            pass
        transport.close()
        thread.join(10)
        server.close()
    return result[0], names


def test_on_cpython_an_address_is_verified():
    """And it is no name to ask for."""
    assert handshake(TLSTransport("127.0.0.1", cadata=CA_DER)) == (True, [None])
    assert handshake(TLSTransport("127.0.0.1", cadata=CA_DER, server_hostname="127.0.0.2"))[0] is False
    assert handshake(TLSTransport("127.0.0.1", cadata=der(trustme.CA().cert_pem)))[0] is False


def test_on_cpython_without_a_name_the_authority_alone_is_verified():
    assert handshake(TLSTransport("127.0.0.1", cadata=CA_DER, server_hostname=None)) == (True, [None])
    other = der(trustme.CA().cert_pem)
    assert handshake(TLSTransport("127.0.0.1", cadata=other, server_hostname=None))[0] is False


def test_on_cpython_an_end_amid_the_handshake_asks_for_the_port():
    with Server(closing) as peer:
        client = MQTTClient("id", "127.0.0.1", peer.port, ssl=True, ssl_params={"verify": False})
        with pytest.raises(ConnectionResetError, match="is it a port for TLS"):
            client.connect()


def test_no_certificate_is_left_in_a_temporary_file(tmp_path, mocker):
    mocker.patch("tempfile.tempdir", str(tmp_path))
    TLSTransport("host", cert=der(CERT.cert_chain_pems[0]), key=CERT.private_key_pem.bytes())
    assert list(tmp_path.iterdir()) == []
