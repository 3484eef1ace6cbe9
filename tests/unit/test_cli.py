"""What the command line understands, and what it says; what it does is in tests/device."""

from __future__ import annotations

import io
import sys

import pytest

from umqtt2.cli import link, main
from umqtt2.cli.options import OPTIONS, parse, usage
from umqtt2.testing import FakeBroker
from umqtt2.transport.tcp import TCPTransport
from umqtt2.transport.tls import TLSTransport


@pytest.fixture
def broker(mocker):
    """A FakeBroker in the place of any other."""
    made = FakeBroker()
    mocker.patch.object(link, "time", made.clock)
    mocker.patch.object(link, "transport", return_value=made)
    return made


# --- Options -----------------------------------------------------------------------------------------


def test_mosquittos_habits():
    line = "-h host -p 1884 -t a/b -m hello -q 1 -r -u me -P secret -i id -k 30 --cafile f --cert c --key k"
    assert parse("pub", line.split()) == {
        "host": "host",
        "port": 1884,
        "topic": ["a/b"],
        "message": "hello",
        "qos": 1,
        "retain": True,
        "username": "me",
        "pw": "secret",
        "id": "id",
        "keepalive": 30,
        "cafile": "f",
        "cert": "c",
        "key": "k",
    }


def test_long_names():
    line = "--host host --topic a --topic b --qos 2 --verbose --username me --pw secret"
    assert parse("sub", line.split()) == {
        "host": "host",
        "topic": ["a", "b"],
        "qos": 2,
        "verbose": True,
        "username": "me",
        "pw": "secret",
        "keepalive": 60,
    }


def test_what_looks_like_an_option_can_be_a_value():
    assert parse("pub", ["-t", "-m", "-m", "--help"])["message"] == "--help"


@pytest.mark.parametrize(
    "line, complaint",
    [
        ("pub -m x", "-t: needed"),
        ("sub", "-t: needed"),
        ("pub -t a -t b -m x", "only one topic"),
        ("pub -t a", "-m, -n and -s"),
        ("pub -t a -m x -n", "-m, -n and -s"),
        ("pub -t", "-t: needs a TOPIC"),
        ("pub -t a -m x -q 3", "-q: 3 is no number from 0 to 2"),
        ("pub -t a -m x -p many", "-p: many"),
        ("pub -t a -m x -p 65536", "-p: 65536"),
        ("pub -t a -m x -v", "-v: unknown to pub"),
        ("sub -t a -m x", "-m: unknown to sub"),
        ("sub -t a --colour", "--colour: unknown"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(line, complaint, capsys):
    assert main(line.split()) == 1
    said = capsys.readouterr()
    assert complaint in said.err and said.err.count("\n") == 1
    assert not said.out


@pytest.mark.parametrize("name", ["pub", "sub"])
def test_help(name, capsys):
    assert main([name, "--help"]) == main([name, "-t", "x", "--help"]) == 0
    said = capsys.readouterr()
    assert not said.err
    for _, long, _, commands, text in OPTIONS:
        there = [line for line in said.out.splitlines() if f" --{long} " in line and line.endswith(text)]
        assert len(there) == 2 * (name in commands)


def test_help_for_both(capsys):
    assert main(["--help"]) == 0
    assert "pub|sub" in capsys.readouterr().out


@pytest.mark.parametrize("line", [[], ["publish"], ["-h", "x"]])
def test_no_command(line, capsys):
    assert main(line) == 1
    said = capsys.readouterr()
    assert usage("") in said.err and not said.out


@pytest.mark.parametrize(
    "line, kind, port",
    [
        ("", TCPTransport, 1883),
        ("-p 1884", TCPTransport, 1884),
        ("-p 8883", TLSTransport, 8883),
        ("--insecure", TLSTransport, 8883),
        ("--insecure -p 8884", TLSTransport, 8884),
    ],
)
def test_tls_or_not(line, kind, port):
    made = link.transport(parse("sub", ["-t", "x", *line.split()]))
    assert type(made) is kind
    assert (made.server, made.port) == ("localhost", port)


# --- Publishing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_pub(broker, qos):
    assert main(["pub", "-t", "a/b", "-m", "h\u00e9llo", "-q", str(qos), "-r"]) == 0
    assert broker.published == [(b"a/b", "h\u00e9llo".encode(), qos, True)]
    assert broker.disconnected


def test_pub_nothing(broker):
    assert main(["pub", "-t", "a", "-n"]) == 0
    assert broker.published == [(b"a", b"", 0, False)]


def test_pub_from_stdin(broker, mocker):
    mocker.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(range(256)))))
    assert main(["pub", "-t", "a", "-s"]) == 0
    assert broker.published == [(b"a", bytes(range(256)), 0, False)]


def test_who_connects(broker):
    main(["pub", "-t", "a", "-n", "-u", "me", "-P", "secret", "-i", "id", "-k", "7"])
    main(["pub", "-t", "a", "-n"])
    main(["pub", "-t", "a", "-n"])
    first, *others = broker.connects
    wanted = {"client_id": b"id", "user": b"me", "password": b"secret", "keepalive": 7, "clean": True}
    assert wanted.items() <= first.items()
    assert len({made["client_id"] for made in others}) == 2
    assert all(made["keepalive"] == 60 and len(made["client_id"]) <= 23 for made in others)


def test_an_acknowledgement_that_does_not_come(broker, mocker, capsys):
    connect = link.MQTTClient.connect

    def silenced(client, *args):
        result = connect(client, *args)
        broker.silent = True
        return result

    mocker.patch.object(link.MQTTClient, "connect", silenced)
    assert main(["pub", "-t", "a", "-n", "-q", "1"]) == 1
    assert capsys.readouterr().err == "Error: the broker does not answer\n"


@pytest.mark.parametrize("code, text", [(4, "bad user name"), (5, "not authorised"), (9, "refused")])
def test_a_refused_connection(broker, capsys, code, text):
    broker.return_code = code
    assert main(["pub", "-t", "a", "-n"]) == (code if code < 6 else 1)
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    "error, text",
    [
        (OSError(111), "ECONNREFUSED"),
        (OSError(111, "Connection refused"), "Connection refused"),
        (OSError("certificate"), "certificate"),
        (OSError(), "failed"),
    ],
)
def test_a_network_that_fails(broker, capsys, error, text):
    broker.fail_open = error
    assert main(["sub", "-h", "far", "-t", "a"]) == 1
    assert capsys.readouterr().err == f"Error: far: {text}\n"


@pytest.mark.parametrize("line", ["-t a/# -n", "-t a -n -P secret"])
def test_what_mqtt_forbids(broker, capsys, line):
    assert main(["pub", *line.split()]) == 1
    assert capsys.readouterr().err.startswith("Error: ")


def test_no_file_with_an_authority(capsys):
    assert main(["sub", "-t", "a", "--cafile", "/no/such/file"]) == 1
    assert "o such file" in capsys.readouterr().err


def test_a_file_that_is_no_certificate(tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"nonsense")
    assert main(["sub", "-t", "a", "--cafile", str(tmp_path / "file")]) == 1
    assert "--cafile" in capsys.readouterr().err


# --- Subscribing -------------------------------------------------------------------------------------


def subscribed(broker, *messages):
    """Let the broker deliver these once it has been subscribed to."""
    subscribe = link.MQTTClient.subscribe

    def and_then(client, topic, qos):
        pid = subscribe(client, topic, qos)
        while messages and topic == messages[0][0]:
            broker.deliver(*messages[0])
            del messages[0]
        return pid

    messages = list(messages)
    return and_then


@pytest.mark.parametrize(
    "line, printed",
    [("", b"\x00\xff\n\n"), ("-v", b"a \x00\xff\na \n"), ("-N", b"\x00\xff"), ("-N -v", b"a \x00\xffa ")],
)
def test_sub(broker, mocker, capfdbinary, line, printed):
    mocker.patch.object(link.MQTTClient, "subscribe", subscribed(broker, ("a", b"\0\xff", 1), ("a", b"", 0)))
    assert main(["sub", "-t", "a", "-q", "1", "-C", "2", *line.split()]) == 0
    assert capfdbinary.readouterr().out == printed
    assert broker.subscriptions == {b"a": 1} and broker.acknowledged and broker.disconnected


def test_no_more_than_was_asked_for(broker, mocker, capfdbinary):
    deliver = [("a", b"%d" % i, 1) for i in range(5)]
    mocker.patch.object(link.MQTTClient, "subscribe", subscribed(broker, *deliver))
    assert main(["sub", "-t", "a", "-C", "3"]) == 0
    assert capfdbinary.readouterr().out == b"0\n1\n2\n"
    assert len(broker.acknowledged) == 3


def test_more_than_one_topic(broker):
    assert main(["sub", "-t", "a", "-t", "b/#", "-W", "1"]) == 27
    assert broker.subscriptions == {b"a": 0, b"b/#": 0}


def test_waiting_has_an_end(broker):
    start = broker.clock.now
    assert main(["sub", "-t", "a", "-W", "70"]) == 27
    assert 70_000 <= broker.clock.now - start < 71_000
    assert broker.disconnected


def test_a_subscription_that_is_refused(broker, capsys):
    broker.refused = {b"secret"}
    assert main(["sub", "-t", "secret"]) == 1
    assert "secret: the broker refuses" in capsys.readouterr().err
    assert main(["sub", "-t", "secret", "-t", "a", "-W", "1"]) == 27
    assert "secret: the broker refuses" in capsys.readouterr().err


@pytest.mark.parametrize("granted, said", [(0, "Warning: a: the broker grants QoS 0 only\n"), (1, "")])
def test_a_subscription_that_is_granted_with_less(broker, mocker, capsys, granted, said):
    feed = broker.feed
    mocker.patch.object(broker, "feed", lambda data: feed(data[:4] + bytes([granted]) if data[0] == 0x90 else data))
    assert main(["sub", "-t", "a", "-q", "1", "-W", "1"]) == 27
    assert capsys.readouterr().err == said + "Timed out\n"


def test_a_subscription_that_is_not_answered(broker, mocker, capsys):
    subscribe = link.MQTTClient.subscribe

    def silenced(client, *args):
        broker.silent = True
        return subscribe(client, *args)

    mocker.patch.object(link.MQTTClient, "subscribe", silenced)
    assert main(["sub", "-t", "a", "-k", "0"]) == 1
    assert "a: the broker does not answer" in capsys.readouterr().err


def test_more_topics_than_messages_may_be_in_flight(broker):
    topics = [f"t/{i}" for i in range(50)]
    assert main(["sub", "-W", "1", *(word for topic in topics for word in ("-t", topic))]) == 27
    assert set(broker.subscriptions) == {topic.encode() for topic in topics}


def test_a_large_message(broker, mocker, capfdbinary):
    mocker.patch.object(link.MQTTClient, "subscribe", subscribed(broker, ("a", b"x" * 100_000, 0)))
    assert main(["sub", "-t", "a", "-C", "1", "-N"]) == 0
    assert capfdbinary.readouterr().out == b"x" * 100_000


def test_a_message_whose_topic_is_not_valid(broker, mocker, capfdbinary):
    mocker.patch.object(link.MQTTClient, "subscribe", subscribed(broker, ("a", b"good", 0)))
    deliver = broker.deliver
    mocker.patch.object(broker, "deliver", lambda *args: (deliver("a/+", b"bad"), deliver(*args)))
    assert main(["sub", "-t", "a", "-C", "1"]) == 0
    printed = capfdbinary.readouterr()
    assert printed.out == b"good\n" and b"not valid" in printed.err


def test_a_broker_that_closes(broker, mocker, capsys):
    subscribe = link.MQTTClient.subscribe

    def and_closes(client, *args):
        pid = subscribe(client, *args)
        broker.drop()
        return pid

    mocker.patch.object(link.MQTTClient, "subscribe", and_closes)
    assert main(["sub", "-t", "a"]) == 1
    assert capsys.readouterr().err == "Error: the broker has closed the connection\n"


@pytest.mark.parametrize("line, code", [("sub -t a", 0), ("pub -t a -n -q 1", 130)])
def test_to_interrupt_it_is_no_error(broker, mocker, capsys, line, code):
    mocker.patch.object(link.MQTTClient, "check_msg", side_effect=KeyboardInterrupt)
    assert main(line.split()) == code
    assert capsys.readouterr().err == ""


def test_nobody_reads_any_more(broker, mocker, capsys):
    mocker.patch.object(sys, "stdout", mocker.Mock())
    sys.stdout.buffer.raw.write.side_effect = BrokenPipeError
    mocker.patch.object(link.MQTTClient, "subscribe", subscribed(broker, ("a", b"lost", 0)))
    assert main(["sub", "-t", "a"]) == 0
    assert capsys.readouterr().err == ""
    assert broker.disconnected
