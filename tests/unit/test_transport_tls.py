"""Who is verified, and who is told when not. Real handshakes are in tests/device."""

from __future__ import annotations

import ssl

import pytest
import trustme

from umqtt2.transport import tls
from umqtt2.transport.tls import TLSTransport

CA = trustme.CA()
CERT = CA.issue_cert("device")


def der(pem_blob):
    return ssl.PEM_cert_to_DER_cert(pem_blob.bytes().decode())


CA_DER = der(CA.cert_pem)


@pytest.fixture
def board(mocker):
    """As on a board: its own TLSTransport, over a `tls` module that is not there."""

    class Board:
        tls = mocker.patch.object(tls, "tls", mocker.Mock(CERT_REQUIRED=2, CERT_NONE=0))
        transport = TLSTransport.__base__

        def context(self):
            """What the one context was given: CA, certificate and key, verify_mode."""
            made = self.tls.SSLContext.return_value
            self.tls.SSLContext.assert_called_once()
            cadata = made.load_verify_locations.call_args
            chain = made.load_cert_chain.call_args
            return cadata and cadata.args[0], chain and chain.args, made.verify_mode

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
    board.transport("host", context=object())
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


def test_simple2_with_a_context(board, capsys):
    board.transport("host", 8883, object())
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
    wrap = board.tls.SSLContext.return_value.wrap_socket
    assert wrap.call_args.kwargs["server_hostname"] == hostname


def test_who_waits_to_write_waits_for_the_peers_half_of_the_handshake(board, mocker):
    wait = mocker.patch.object(tls.TCPTransport, "wait")
    transport = board.transport("host", cadata=b"CA")
    transport.wait(4, 3000)
    transport.wait(1, 3000)
    assert [call.args for call in wait.call_args_list] == [(1, 20), (1, 3000)]


def test_a_certificate_that_does_not_verify_is_an_os_error(board, mocker):
    mocker.patch.object(tls.TCPTransport, "opening", return_value=iter(()))
    transport = board.transport("host", cadata=b"CA")
    transport.open(1000)
    transport.sock.write.side_effect = ValueError("expired")
    with pytest.raises(OSError, match="expired"):
        transport.write(b"hello", 5, 0)


def test_on_cpython_simple2_verifies_with_the_system_store(capsys):
    assert TLSTransport("host", 8883, True)._context.verify_mode == ssl.CERT_REQUIRED
    assert TLSTransport("host", 8883, True, cert_reqs=0)._context.verify_mode == ssl.CERT_NONE
    assert capsys.readouterr().out == ""


def test_on_cpython_the_system_store_verifies():
    context = TLSTransport("host")._context
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("form", [der, lambda blob: blob.bytes()])
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


@pytest.mark.parametrize("bad", [{"cadata": b"nonsense"}, {"cert": b"nonsense", "key": b"nonsense"}])
def test_what_is_no_certificate_is_a_value_error(bad):
    with pytest.raises(ValueError):
        TLSTransport("host", **bad)


def test_no_certificate_is_left_in_a_temporary_file(tmp_path, mocker):
    mocker.patch("tempfile.tempdir", str(tmp_path))
    TLSTransport("host", cert=der(CERT.cert_chain_pems[0]), key=CERT.private_key_pem.bytes())
    assert list(tmp_path.iterdir()) == []
