"""Who is verified, and who is told when not. Real handshakes are in tests/device."""

from __future__ import annotations

import ssl

import pytest
import trustme

from umqtt2.transport import tls
from umqtt2.transport.tls import TLSTransport, simple2_transport

CA = trustme.CA()
CERT = CA.issue_cert("device")


def der(pem_blob):
    return ssl.PEM_cert_to_DER_cert(pem_blob.bytes().decode())


@pytest.fixture
def board(mocker):
    """As on a board: no system store. Returns the calls that made contexts."""
    mocker.patch.object(tls, "SYSTEM_STORE", False)
    return mocker.patch.object(tls, "client_context")


def test_without_anything_to_verify_with_it_does_not_start(board):
    with pytest.raises(ValueError, match="cadata"):
        TLSTransport("host")
    board.assert_not_called()


def test_unverified_only_when_told_so(board):
    TLSTransport("host", verify=False)
    board.assert_called_once_with(None, None, None, False)


def test_with_a_ca_it_verifies(board):
    TLSTransport("host", cadata=b"CA")
    board.assert_called_once_with(b"CA", None, None, True)


def test_a_context_is_the_programs_own_business(board):
    TLSTransport("host", context=object())
    board.assert_not_called()


def test_certificates_from_files(board, tmp_path):
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_bytes(name.encode())
    TLSTransport(
        "host", cadata=str(tmp_path / "ca"), cert=str(tmp_path / "cert"), key=str(tmp_path / "key")
    )
    board.assert_called_once_with(b"ca", b"cert", b"key", True)


def test_a_missing_file_is_an_os_error():
    with pytest.raises(OSError):
        TLSTransport("host", cadata="/no/such/file")


def test_simple2_without_a_ca_connects_and_warns_in_one_line(board, capsys):
    simple2_transport("host", 8883, True, {})
    board.assert_called_once_with(None, None, None, False)
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "not verified" in out


def test_simple2_with_a_ca_verifies_without_being_asked(board, capsys):
    simple2_transport("host", 8883, True, {"cadata": b"CA"})
    board.assert_called_once_with(b"CA", None, None, True)
    assert capsys.readouterr().out == ""


def test_simple2_cert_reqs_none_is_said_in_words(board, capsys):
    simple2_transport("host", 8883, True, {"cadata": b"CA", "cert_reqs": ssl.CERT_NONE})
    board.assert_called_once_with(b"CA", None, None, False)
    assert "not verified" in capsys.readouterr().out


def test_simple2_cert_reqs_required_needs_a_ca(board):
    with pytest.raises(ValueError):
        simple2_transport("host", 8883, True, {"cert_reqs": ssl.CERT_REQUIRED})


def test_simple2_parameters_that_mean_nothing_are_taken(board):
    params = {"server_side": False, "do_handshake": True, "cadata": b"CA"}
    simple2_transport("host", 8883, True, params)
    assert params == {"server_side": False, "do_handshake": True, "cadata": b"CA"}


def test_simple2_unknown_parameters_are_an_error(board):
    with pytest.raises(TypeError, match="colour"):
        simple2_transport("host", 8883, True, {"cadata": b"CA", "colour": 1})


@pytest.mark.parametrize(
    "params, hostname",
    [({}, "host"), ({"server_hostname": "other"}, "other"), ({"server_hostname": None}, None)],
)
def test_the_name_that_is_asked_for(board, mocker, params, hostname):
    wrap = mocker.patch.object(tls, "wrap")
    mocker.patch.object(tls.TCPTransport, "open")
    simple2_transport("host", 8883, True, dict(params, cadata=b"CA")).open(1000)
    assert wrap.call_args.args[2] == hostname


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


def test_during_the_handshake_it_naps_and_afterwards_waits_for_what_was_asked(board, mocker):
    wait = mocker.patch.object(tls.TCPTransport, "wait")
    transport = TLSTransport("host", cadata=b"CA")
    transport.sock = mocker.Mock()
    transport.sock.write.side_effect = [None, 5]
    transport.write(b"hello", 5, 0)
    transport.wait(4, 3000)
    transport.wait(4, 20)
    transport.write(b"hello", 5, 0)
    transport.wait(4, 3000)
    assert [call.args for call in wait.call_args_list] == [(1, 50), (1, 20), (4, 3000)]
