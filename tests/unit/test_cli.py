"""What the command line understands, and what it says; what it does is in tests/device."""

from __future__ import annotations

import io
import json
import re
import sys
import time
from pathlib import Path

import pytest

from umqtt2.cli import format, link, main
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


def test_mosquittos_habits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "fck":
        (tmp_path / name).write_text(name)
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
        "cafile": b"f",
        "cert": b"c",
        "key": b"k",
        "tls": True,
        "five": False,
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
        "port": 1883,
        "tls": False,
        "five": False,
    }


@pytest.mark.parametrize(
    "url, said",
    [
        ("mqtt://host/a/b", {"host": "host", "port": 1883, "topic": ["a/b"], "tls": False}),
        ("mqtts://host/a", {"host": "host", "port": 8883, "topic": ["a"], "tls": True}),
        ("mqtt://me:p@ss@host:1884/a", {"host": "host", "port": 1884, "username": "me", "pw": "p@ss"}),
        ("mqtt://me@[::1]:1884/a", {"host": "::1", "port": 1884, "username": "me"}),
        ("mqtt://[::1]/a@b", {"host": "::1", "port": 1883, "topic": ["a@b"]}),
    ],
)
def test_a_url(url, said):
    assert said.items() <= parse("sub", ["-L", url]).items()


def test_what_looks_like_an_option_can_be_a_value():
    assert parse("pub", ["-t", "-m", "-m", "--help"])["message"] == "--help"


@pytest.mark.parametrize(
    "line, complaint",
    [
        ("pub -m x", "-t: needed"),
        ("sub", "-t: needed"),
        ("pub -t a -t b -m x", "only one topic"),
        ("pub -t a", "one of -m, -n, -f, -s and -l"),
        ("pub -t a -m x -n", "one of -m, -n, -f, -s and -l"),
        ("pub -t a/# -m x", "-t: a/# is not a topic to publish to"),
        ("sub -t a#", "-t: a# is not a topic filter"),
        ("sub -t a -T a#", "-T: a# is not a topic filter"),
        ("pub -t a -m x --will-topic +", "--will-topic: + is not a topic"),
        ("pub -t a -m x --will-payload x", "--will-payload: needs --will-topic"),
        ("pub -t a -m x -c", "-c: needs -i"),
        ("pub -t a -m x -P secret", "-P: needs -u"),
        ("pub -t a -m x --repeat 0", "--repeat: 0 is not a number from 1"),
        ("pub -t a -l --repeat 2", "--repeat: not with -l"),
        ("pub -t a -m x --repeat-delay soon", "--repeat-delay: soon is not a number of seconds"),
        ("pub -t a -m x --repeat-delay -1", "--repeat-delay: -1 is not a number of seconds"),
        ("pub -t a -f /no/such/file", "-f /no/such/file: no such file"),
        ("pub -t a -f /", "-f /: is a directory"),
        ("pub -t a -m x --cafile /no/such/file", "--cafile /no/such/file: no such file"),
        ("pub -t a -m x --cert /dev/null", "--cert: needs --key"),
        ("pub -t a -m x -V 31", "does not speak MQTT 3.1"),
        ("sub -t a -R --retained-only", "-R: not with --retained-only"),
        ("sub -t a -C 0", "-C: 0 is not a number from 1"),
        ("sub -t a -F %y", "-F: %y is not known"),
        ("sub -t a -F 50%", "-F: % is not known"),
        ("sub -t a -F @y@w", "-F: @w is not known"),
        ("sub -t a -F \\q", "-F: \\q is not known"),
        ("sub -L http://host/a", "-L: http://host/a does not begin with mqtt://"),
        ("sub -L mqtt://host", "-L: mqtt://host has no topic"),
        ("sub -L mqtt:///a", "-L: mqtt:///a has no host"),
        ("sub -L mqtt://host:many/a", "-L: many is not a number"),
        ("pub -t", "-t: needs a TOPIC"),
        ("pub -t a -m x -q 3", "-q: 3 is not a number from 0 to 2"),
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
    assert main([*line.split(), "--quiet"]) == 1
    assert line == "pub -t" or not capsys.readouterr().err


@pytest.mark.parametrize("name", ["pub", "sub"])
def test_help(name, capsys):
    assert main([name, "--help"]) == main([name, "-t", "x", "--help"]) == 0
    said = capsys.readouterr()
    assert not said.err
    for _, long, _, commands, text, _ in OPTIONS:
        there = [line for line in said.out.splitlines() if f" --{long} " in line and line.endswith(text)]
        assert len(there) == 2 * (name in commands)


def test_the_page_of_the_documentation_has_each_option():
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
    for short, *_ in OPTIONS:
        assert f"`{short}" in page or f"{short}`" in page, short


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
    assert main(["pub", "-t", "a", "-s"]) == 1  # nothing: a mistake in a pipe must not delete a retained message


@pytest.mark.parametrize("line, name", [("pub -t a -s", "stdin"), ("pub -t a -l", "stdin"), ("sub -t a", "stdout")])
def test_what_is_closed_is_told(monkeypatch, capsys, line, name):
    monkeypatch.setattr(sys, name, None)
    assert main(line.split()) == 1
    assert capsys.readouterr().err == f"Error: {name}: is closed\n"


def test_pub_a_file(broker, tmp_path):
    (tmp_path / "file").write_bytes(b"\0\n\xff")
    assert main(["pub", "-t", "a", "-f", str(tmp_path / "file")]) == 0
    assert broker.published == [(b"a", b"\0\n\xff", 0, False)]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_pub_lines(broker, tmp_path, monkeypatch, qos):
    wanted = [b"%d" % i for i in range(30)] + [b"", b"\0\r", b"x" * 5000, b"no newline"]
    (tmp_path / "lines").write_bytes(b"\n".join(wanted))
    with open(tmp_path / "lines") as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert main(["pub", "-t", "a", "-l", "-q", str(qos)]) == 0
    assert broker.published == [(b"a", line, qos, False) for line in wanted]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_pub_again_and_again(broker, qos):
    start = broker.clock.now
    assert main(["pub", "-t", "a", "-m", "x", "-q", str(qos), "--repeat", "25", "--repeat-delay", "0.5"]) == 0
    assert broker.published == [(b"a", b"x", qos, False)] * 25
    assert broker.clock.now - start >= 12_000


@pytest.mark.parametrize("line, payload", [("", b""), ("--will-payload gone --will-qos 1 --will-retain", b"gone")])
def test_a_last_will(broker, line, payload):
    assert main(["pub", "-t", "a", "-n", "--will-topic", "w", *line.split()]) == 0
    more = (1, True) if line else (0, False)
    made = broker.connects[0]["will"]
    assert made is not None and made == (b"w", payload, *more)


def test_a_session_that_stays(broker):
    main(["pub", "-t", "a", "-n", "-c", "-i", "id"])
    assert broker.connects[0]["clean"] is False


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
    assert capsys.readouterr().err == "Error: localhost:1883: the broker does not answer within socket_timeout\n"


@pytest.mark.parametrize("code, text", [(4, "password is wrong"), (5, "not authorized"), (9, "refused")])
def test_a_refused_connection(broker, capsys, code, text):
    broker.return_code = code
    assert main(["pub", "-t", "a", "-n"]) == (code if code < 6 else 1)
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    "error, text",
    [
        (OSError(111), "connection refused"),
        (OSError(111, "Connection refused"), "connection refused"),
        (OSError(-2), "name not found"),
        (OSError(105), "ENOBUFS"),
        (OSError("certificate"), "certificate"),
        (OSError(), "failed"),
    ],
)
def test_a_network_that_fails(broker, capsys, error, text):
    broker.fail_open = error
    assert main(["sub", "-h", "far", "-t", "a"]) == 1
    assert capsys.readouterr().err == f"Error: far:1883: {text}\n"


@pytest.mark.parametrize("line", ["-t a/# -n", "-t a -n -P secret"])
def test_what_mqtt_forbids(broker, capsys, line):
    assert main(["pub", *line.split()]) == 1
    assert capsys.readouterr().err.startswith("Error: ")


def test_no_file_with_an_authority(capsys):
    assert main(["sub", "-t", "a", "--cafile", "/no/such/file"]) == 1
    assert capsys.readouterr().err == "Error: --cafile /no/such/file: no such file\n"


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
    [
        ("", b"\x00\xff\n"),
        ("-v", b"a \x00\xff\na (null)\n"),
        ("-N", b"\x00\xff"),
        ("-N -v", b"a \x00\xffa (null)"),
        ("-F [%p]", b"[\x00\xff]\n[]\n"),
    ],
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
    assert main(["sub", "-t", "a", "-W", "4"]) == 27
    warning = "Warning: localhost:1883: the broker closed the connection; connecting again\n"
    said = capsys.readouterr().err
    assert said.startswith(warning * 2) and said.endswith("Timed out\n")
    assert len(broker.connects) > 1


def test_it_comes_back_when_the_broker_was_away(broker, mocker, capfdbinary):
    deliver = subscribed(broker, ("a", b"again", 1))
    subscribe = link.MQTTClient.subscribe
    times = []

    def once_closed(client, *args):
        times.append(args)
        if len(times) > 1:
            return deliver(client, *args)
        pid = subscribe(client, *args)
        broker.drop()
        return pid

    mocker.patch.object(link.MQTTClient, "subscribe", once_closed)
    assert main(["sub", "-t", "a", "-q", "1", "-C", "1", "--quiet"]) == 0
    printed = capfdbinary.readouterr()
    assert (printed.out, printed.err) == (b"again\n", b"")


def test_it_does_not_come_back_where_it_is_not_let_in(broker, mocker, capsys):
    subscribe = link.MQTTClient.subscribe

    def and_closes(client, *args):
        pid = subscribe(client, *args)
        broker.return_code = 5
        broker.drop()
        return pid

    mocker.patch.object(link.MQTTClient, "subscribe", and_closes)
    assert main(["sub", "-t", "a"]) == 5
    assert "not authorized" in capsys.readouterr().err


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


@pytest.mark.parametrize(
    "line, printed",
    [
        ("-R -C 2", b"a new\na/b deep\n"),
        ("-T a/+ -C 2", b"a old\na new\n"),
        ("-T x -T # -W 1", b""),
        ("--retained-only", b"a old\n"),
        ("-E", b""),
        ("-U a -W 1", b"a old\na new\na/b deep\n"),
    ],
)
def test_which_messages_are_printed(broker, mocker, capfdbinary, line, printed):
    messages = [("a", b"old", 1, True), ("a", b"new", 1), ("a/b", b"deep", 1)]
    subscribe = link.MQTTClient.subscribe

    def and_then(client, topic, qos):
        pid = subscribe(client, topic, qos)
        for message in messages if line != "-E" else []:
            broker.deliver(*message)
        return pid

    mocker.patch.object(link.MQTTClient, "subscribe", and_then)
    assert main(["sub", "-t", "#", "-v", *line.split()]) == (27 if "-W" in line else 0)
    assert capfdbinary.readouterr().out == printed


def test_unsubscribed(broker):
    assert main(["sub", "-t", "a", "-t", "b", "-U", "a", "-E"]) == 0
    assert list(broker.subscriptions) == [b"b"]


def message(payload=b"hello", topic=b"a/b", properties=None):
    made = format.Message(topic, payload, 1, True, 7, properties or {})
    made.when = 1_600_000_000_000_000_000 + 123_456_789
    return made


@pytest.fixture
def set_zone():
    """Set the time zone for a test."""
    with pytest.MonkeyPatch.context() as patch:
        yield lambda zone: (patch.setenv("TZ", zone), time.tzset())
    time.tzset()


PROPERTIES = {1: 1, 2: 60, 3: b"json", 8: b"r", 9: b"cd", 0x0B: [7], 0x26: [(b"a", b"b"), (b"c", b"d")]}


@pytest.mark.parametrize(
    "text, printed",
    [
        ("%t %p", "a/b hello"),
        ("%%@@\\\\", "%@\\"),
        ("%l%m%q%r", "5711"),
        ("%x|%X", "68656c6c6f|68656C6C6F"),
        ("[%8t][%-8t][%.2t][%8.1t]", "[     a/b][a/b     ][a/][       a]"),
        ("[%4l][%-4l][%04l][%08p]", "[   5][5   ][0005][   hello]"),
        ("\\0\\a\\e\\n\\r\\t\\v", "\0\a\x1b\n\r\t\v"),
        ("@s.@N", "1600000000.123456789"),
        ("@Y-@m-@d @j", "2020-09-13 257"),
        ("@F|@D|@y", "2020-09-13|09/13/20|20"),
        ("@H:@M:@S|@T|@R", "12:26:40|12:26:40|12:26"),
        ("%I|%U", "2020-09-13T12:26:40+0000|1600000000.123456789"),
        ("[%A%C%D%E%F%P%R%S]", "[]"),
        ("\u00e9", "\u00e9"),
    ],
)
def test_formats(set_zone, text, printed):
    set_zone("UTC")
    assert format.printed(format.compiled(text), message()) == printed.encode()


def test_properties_in_a_format():
    text = format.printed(format.compiled("%C|%D|%E|%F|%P|%R|%S"), message(properties=PROPERTIES))
    assert text == b"json|cd|60|1|a:b c:d|r|7"


@pytest.mark.parametrize("payload, text", [(b'"\\\n', '"\\\n'), (b"\xff", "\u00ff"), (b"\xc3\xa9", "\u00e9")])
def test_json(payload, text):
    made = json.loads(format.printed(format.compiled("%j"), message(payload, properties=PROPERTIES)))
    assert re.fullmatch(r"2020-09-1\dT\d\d:\d6:40.123456Z[+-]\d{4}", made.pop("tst"))
    assert made == {
        "topic": "a/b",
        "qos": 1,
        "retain": 1,
        "payloadlen": len(payload),
        "mid": 7,
        "payload": text,
        "properties": {
            "subscription-identifier": 7,
            "content-type": "json",
            "correlation-data": "cd",
            "payload-format-indicator": 1,
            "user-properties": {"a": "b", "c": "d"},
            "response-topic": "r",
            "message-expiry-interval": 60,
        },
    }


def test_json_within_json():
    assert json.loads(format.printed(format.compiled("%J"), message(b'{"t": 21.5}')))["payload"] == {"t": 21.5}
    with pytest.raises(ValueError, match="a/b: the message is not JSON"):
        format.printed(format.compiled("%J"), message())


@pytest.mark.parametrize(
    "zone, text", [("UTC", "+0000"), ("XYZ-13:30", "+1330"), ("XYZ11", "-1100"), ("XYZ3:30", "-0330")]
)
@pytest.mark.parametrize("when", [1_600_000_000, 1_598_920_000, 1_598_918_400 - 60, 1_598_918_400, 1_598_880_000])
def test_the_time_zone(set_zone, zone, text, when):
    set_zone(zone)
    assert format.clock("z", when * 10**9) == text


def test_a_message_that_is_not_json(broker, mocker, capfdbinary):
    mocker.patch.object(link.MQTTClient, "subscribe", subscribed(broker, ("a", b"hello", 0), ("a", b"1", 0)))
    assert main(["sub", "-t", "a", "-C", "2", "-F", "%J"]) == 0
    printed = capfdbinary.readouterr()
    assert b'"payload":1}' in printed.out and printed.err == b"Error: -F: a: the message is not JSON\n"


def test_a_key_that_is_none(tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"nonsense")
    file = str(tmp_path / "file")
    assert main(["sub", "-t", "a", "--insecure", "--cert", file, "--key", file]) == 1
    assert capsys.readouterr().err.startswith("Error: --cert: not a certificate")
