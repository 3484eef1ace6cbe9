"""The checker reports everything that must never happen, and nothing else."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.faults.checker import (
    CRASHED,
    DOUBLED,
    LOST,
    ORDER,
    STATUS,
    STUCK,
    UNEXPECTED,
    Record,
    Rules,
    Task,
    check,
    repeated_after_pubrel,
)

TASK = Task(count=4, sizes=(1, 3))


@pytest.fixture
def record() -> Record:
    """All went well: 0 and 1 at QoS 1, 2 and 3 at QoS 2, and the last."""
    record = Record(TASK, commands={1: ["0", "1"], 2: ["0", "1"]})
    record.output += [["asked", "1"], ["status", "1", "1"]]
    for number in range(5):
        record.output += [["begin", f"{number}"], ["accepted", f"{number}", f"{number + 2}"]]
        record.arrived.append((TASK.topic(number), TASK.payload(number)))
    record.output += [["status", f"{number + 2}", "1"] for number in range(5)]
    record.output += [["got", qos, i] for qos in "12" for i in "01"]
    return record


def kinds(record: Record, rules: Rules | None = None) -> list[str]:
    return [kind for kind, _ in check(record, rules).problems]


def test_nothing_wrong(record: Record) -> None:
    assert kinds(record) == []


@pytest.mark.parametrize("number", range(5))
def test_message_is_missing(record: Record, number: int) -> None:
    del record.arrived[number]
    assert kinds(record) == [LOST]


def test_message_that_was_told_is_missing_of_a_run_that_got_stuck(record: Record) -> None:
    del record.arrived[2]
    record.finished = False
    assert kinds(record) == [STUCK, LOST]


def test_message_that_is_still_kept_is_not_lost(record: Record) -> None:
    del record.arrived[2]
    record.output.remove(["status", "4", "1"])
    record.finished = False
    assert kinds(record) == [STUCK]


@pytest.mark.parametrize("number, wrong", [(0, []), (1, []), (2, [DOUBLED]), (4, [DOUBLED])])
def test_message_arrives_twice(record: Record, number: int, wrong: list[str]) -> None:
    record.arrived.append(record.arrived[number])
    assert kinds(record) == wrong


def test_messages_change_places(record: Record) -> None:
    task = record.task = Task(count=6)  # 4 and 5 are at QoS 1 again
    record.output += [["begin", "5"], ["accepted", "5", "7"], ["status", "7", "1"]]
    record.output += [["begin", "6"], ["accepted", "6", "8"], ["status", "8", "1"]]
    record.arrived = [(task.topic(number), task.payload(number)) for number in (4, 1, 2, 3, 0, 5, 6)]
    assert kinds(record) == [ORDER]


def test_repetition_at_qos_1_is_not_out_of_order(record: Record) -> None:
    record.arrived = [record.arrived[number] for number in (0, 1, 0, 2, 3, 4)]
    assert kinds(record) == []


@pytest.mark.parametrize("what", [("10", "0:y"), ("11", "0:x"), ("10", ""), ("10", "9:x")])
def test_what_was_never_sent_arrives(record: Record, what: tuple[str, str]) -> None:
    record.arrived.append(what)
    assert kinds(record) == [UNEXPECTED]


def test_status_is_missing(record: Record) -> None:
    record.output.remove(["status", "3", "1"])
    assert kinds(record) == [STATUS]


def test_status_comes_twice(record: Record) -> None:
    record.output.append(["status", "3", "1"])
    assert kinds(record) == [STATUS]


@pytest.mark.parametrize("status", "023")
def test_status_is_another(record: Record, status: str) -> None:
    record.output.append(["status", "9", status])
    assert kinds(record) == [STATUS]


def test_identifier_is_in_use(record: Record) -> None:
    at = record.output.index(["accepted", "1", "3"])
    record.output[at] = ["accepted", "1", "2"]
    assert STATUS in kinds(record)


@pytest.mark.parametrize("qos, wrong", [("1", []), ("2", [DOUBLED])])
def test_command_comes_twice(record: Record, qos: str, wrong: list[str]) -> None:
    record.output.append(["got", qos, "1"])
    assert kinds(record) == wrong


@pytest.mark.parametrize("qos", "12")
def test_command_is_missing(record: Record, qos: str) -> None:
    record.output.remove(["got", qos, "1"])
    assert kinds(record) == [LOST]


@pytest.mark.parametrize("qos", "12")
def test_commands_change_places(record: Record, qos: str) -> None:
    record.output.remove(["got", qos, "0"])
    record.output.append(["got", qos, "0"])
    assert kinds(record) == [ORDER]


def test_command_is_another(record: Record) -> None:
    record.output.append(["got", "1", "7"])
    assert kinds(record) == [UNEXPECTED]


def test_program_raises(record: Record) -> None:
    record.crashed = "Traceback"
    record.finished = False
    assert kinds(record) == [CRASHED]


class TestPowerFailed:
    """Deviations that each power failure excuses once, and others."""

    def test_within_publish_the_message_is_there_or_not(self, record: Record) -> None:
        at = record.output.index(["accepted", "2", "4"])
        record.output[at] = ["killed"]
        assert kinds(record) == []  # the store had the message, and its status came
        record.output.remove(["status", "4", "1"])
        del record.arrived[2]
        assert kinds(record) == []

    def test_within_publish_the_message_does_not_come_twice(self, record: Record) -> None:
        record.output[record.output.index(["accepted", "2", "4"])] = ["killed"]
        record.arrived.append(record.arrived[2])
        assert kinds(record) == [DOUBLED]

    def test_after_publish_the_message_is_there(self, record: Record) -> None:
        record.output.insert(record.output.index(["accepted", "2", "4"]) + 1, ["killed"])
        del record.arrived[2]
        assert kinds(record) == [LOST]

    def test_one_status_may_be_missing(self, record: Record) -> None:
        record.output.append(["killed"])
        record.output.remove(["status", "3", "1"])
        assert kinds(record) == []
        record.output.remove(["status", "4", "1"])
        assert kinds(record) == [STATUS]

    def test_only_the_last_command_may_come_again(self, record: Record) -> None:
        record.output += [["killed"], ["got", "2", "1"]]
        assert kinds(record) == []
        other = deepcopy(record)
        other.output[-1] = ["got", "2", "0"]
        assert kinds(other) == [DOUBLED]
        record.output.append(["got", "2", "1"])
        assert kinds(record) == [DOUBLED]


class TestBrokerKilled:
    """Deviations that the broker causes are tolerated and counted."""

    @pytest.mark.parametrize("rules", [Rules(forgets=True), Rules(unsaved=True)])
    def test_doubled(self, record: Record, rules: Rules) -> None:
        record.arrived.append(record.arrived[2])
        assert kinds(record, rules) == []
        assert sum(check(record, rules).tolerated.values()) == 1

    @pytest.mark.parametrize("rules", [Rules(forgets=True), Rules(unsaved=True)])
    def test_lost_at_qos_1(self, record: Record, rules: Rules) -> None:
        del record.arrived[1]
        assert kinds(record, rules) == [LOST]

    def test_lost_at_qos_2(self, record: Record) -> None:
        del record.arrived[2]
        assert kinds(record, Rules(unsaved=True)) == []
        assert kinds(record, Rules(forgets=True)) == [LOST]
        record.connack_lost = True
        assert kinds(record, Rules(forgets=True)) == []
        assert kinds(record) == [LOST]

    def test_commands(self, record: Record) -> None:
        record.output.remove(["got", "2", "1"])
        assert kinds(record, Rules(forgets=True)) == []
        assert kinds(record) == [LOST]


class TestBrokerRepeatsWhatItHasReleased:
    """[MQTT-4.3.3-1]: no PUBLISH after its PUBREL."""

    ONE = b"\x34\x06\0\1d\0\1a"  # PUBLISH, QoS 2, topic d, identifier 1, payload a
    TWO = b"\x3c\x06\0\1d\0\2b"  # with DUP
    RELEASE = b"\x62\2\0\1"

    @pytest.mark.parametrize(
        "connections, repeated",
        [
            ([ONE + RELEASE, ONE], ["a"]),
            ([ONE + RELEASE, TWO + ONE + ONE], ["a", "a"]),
            ([ONE + RELEASE + ONE], ["a"]),
            ([ONE, ONE + RELEASE], []),
            ([ONE + RELEASE[:3], ONE], []),  # the device has not got it
            ([ONE + RELEASE, TWO], []),
            ([ONE + RELEASE, ONE[:-1]], []),
            ([ONE + RELEASE[:1], b"\x20"], []),
            ([ONE + RELEASE, b"\x32" + ONE[1:]], []),  # QoS 1
            ([ONE + RELEASE, b"\x20\2\1\0" + ONE], ["a"]),
            ([ONE + RELEASE, b"\x20\2\0\0" + ONE], []),  # a new session
            ([b"\x34\x85\1\0\1d\0\1" + 128 * b"a" + RELEASE, ONE], ["a"]),
        ],
    )
    def test_is_found_in_what_it_sent(self, connections: list[bytes], repeated: list[str]) -> None:
        assert repeated_after_pubrel(connections) == repeated

    def test_is_found_behind_the_properties_of_mqtt_5(self) -> None:
        short = b"\x34\x0a\0\1d\0\1\3\x01\x01\x0ba"  # a property length of 3, and as many bytes
        long = b"\x34\x8b\1\0\1d\0\1\x83\1" + 131 * b"p" + b"b"
        hello = b"\x20\3\1\0\0"
        assert repeated_after_pubrel([short + self.RELEASE, hello + short + long], five=True) == ["a", "b"]
        assert repeated_after_pubrel([short + self.RELEASE, b"\x20\3\0\0\0" + short], five=True) == []

    def test_excuses_each_command_once(self, record: Record) -> None:
        record.broker_repeated = ["1"]
        record.output.append(["got", "2", "1"])
        findings = check(record)
        assert findings.problems == []
        assert sum(findings.tolerated.values()) == 1
        record.output.append(["got", "2", "1"])
        assert kinds(record) == [DOUBLED]

    def test_does_not_excuse_another(self, record: Record) -> None:
        record.broker_repeated = ["1"]
        record.output.append(["got", "2", "0"])
        assert kinds(record) == [DOUBLED]
