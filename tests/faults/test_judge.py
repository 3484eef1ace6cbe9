"""The judge complains of all that must never happen, and of nothing else."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.faults.judge import (
    CRASHED,
    DOUBLED,
    LOST,
    ORDER,
    STATUS,
    STRANGE,
    STUCK,
    Account,
    Rules,
    Task,
    judge,
)

TASK = Task(count=4, sizes=(1, 3))


@pytest.fixture
def account() -> Account:
    """All went well: 0 and 1 at QoS 1, 2 and 3 at QoS 2, and the last."""
    account = Account(TASK, commands={1: ["0", "1"], 2: ["0", "1"]})
    account.said += [["asked", "1"], ["status", "1", "1"]]
    for number in range(5):
        account.said += [["begin", f"{number}"], ["accepted", f"{number}", f"{number + 2}"]]
        account.arrived.append((TASK.topic(number), TASK.payload(number)))
    account.said += [["status", f"{number + 2}", "1"] for number in range(5)]
    account.said += [["got", qos, i] for qos in "12" for i in "01"]
    return account


def kinds(account: Account, rules: Rules | None = None) -> list[str]:
    return [kind for kind, _ in judge(account, rules).problems]


def test_nothing_wrong(account: Account) -> None:
    assert kinds(account) == []


@pytest.mark.parametrize("number", range(5))
def test_message_is_missing(account: Account, number: int) -> None:
    del account.arrived[number]
    assert kinds(account) == [LOST]


def test_message_that_was_told_is_missing_of_a_run_that_got_stuck(account: Account) -> None:
    del account.arrived[2]
    account.finished = False
    assert kinds(account) == [STUCK, LOST]


def test_message_that_is_still_kept_is_not_lost(account: Account) -> None:
    del account.arrived[2]
    account.said.remove(["status", "4", "1"])
    account.finished = False
    assert kinds(account) == [STUCK]


@pytest.mark.parametrize("number, wrong", [(0, []), (1, []), (2, [DOUBLED]), (4, [DOUBLED])])
def test_message_arrives_twice(account: Account, number: int, wrong: list[str]) -> None:
    account.arrived.append(account.arrived[number])
    assert kinds(account) == wrong


def test_messages_change_places(account: Account) -> None:
    task = account.task = Task(count=6)  # 4 and 5 are at QoS 1 again
    account.said += [["begin", "5"], ["accepted", "5", "7"], ["status", "7", "1"]]
    account.said += [["begin", "6"], ["accepted", "6", "8"], ["status", "8", "1"]]
    account.arrived = [(task.topic(number), task.payload(number)) for number in (4, 1, 2, 3, 0, 5, 6)]
    assert kinds(account) == [ORDER]


def test_repetition_at_qos_1_is_not_out_of_order(account: Account) -> None:
    account.arrived = [account.arrived[number] for number in (0, 1, 0, 2, 3, 4)]
    assert kinds(account) == []


@pytest.mark.parametrize("what", [("10", "0:y"), ("11", "0:x"), ("10", ""), ("10", "9:x")])
def test_what_was_never_sent_arrives(account: Account, what: tuple[str, str]) -> None:
    account.arrived.append(what)
    assert kinds(account) == [STRANGE]


def test_status_is_missing(account: Account) -> None:
    account.said.remove(["status", "3", "1"])
    assert kinds(account) == [STATUS]


def test_status_comes_twice(account: Account) -> None:
    account.said.append(["status", "3", "1"])
    assert kinds(account) == [STATUS]


@pytest.mark.parametrize("status", "023")
def test_status_is_another(account: Account, status: str) -> None:
    account.said.append(["status", "9", status])
    assert kinds(account) == [STATUS]


def test_identifier_is_in_use(account: Account) -> None:
    at = account.said.index(["accepted", "1", "3"])
    account.said[at] = ["accepted", "1", "2"]
    assert STATUS in kinds(account)


@pytest.mark.parametrize("qos, wrong", [("1", []), ("2", [DOUBLED])])
def test_command_comes_twice(account: Account, qos: str, wrong: list[str]) -> None:
    account.said.append(["got", qos, "1"])
    assert kinds(account) == wrong


@pytest.mark.parametrize("qos", "12")
def test_command_is_missing(account: Account, qos: str) -> None:
    account.said.remove(["got", qos, "1"])
    assert kinds(account) == [LOST]


@pytest.mark.parametrize("qos", "12")
def test_commands_change_places(account: Account, qos: str) -> None:
    account.said.remove(["got", qos, "0"])
    account.said.append(["got", qos, "0"])
    assert kinds(account) == [ORDER]


def test_command_is_another(account: Account) -> None:
    account.said.append(["got", "1", "7"])
    assert kinds(account) == [STRANGE]


def test_program_raises(account: Account) -> None:
    account.crashed = "Traceback"
    account.finished = False
    assert kinds(account) == [CRASHED]


class TestPowerFailed:
    """What may happen once for each failure, and what may not."""

    def test_within_publish_the_message_is_there_or_not(self, account: Account) -> None:
        at = account.said.index(["accepted", "2", "4"])
        account.said[at] = ["killed"]
        assert kinds(account) == []  # the store had it, and its status came
        account.said.remove(["status", "4", "1"])
        del account.arrived[2]
        assert kinds(account) == []

    def test_within_publish_the_message_does_not_come_twice(self, account: Account) -> None:
        account.said[account.said.index(["accepted", "2", "4"])] = ["killed"]
        account.arrived.append(account.arrived[2])
        assert kinds(account) == [DOUBLED]

    def test_after_publish_the_message_is_there(self, account: Account) -> None:
        account.said.insert(account.said.index(["accepted", "2", "4"]) + 1, ["killed"])
        del account.arrived[2]
        assert kinds(account) == [LOST]

    def test_one_status_may_be_missing(self, account: Account) -> None:
        account.said.append(["killed"])
        account.said.remove(["status", "3", "1"])
        assert kinds(account) == []
        account.said.remove(["status", "4", "1"])
        assert kinds(account) == [STATUS]

    def test_only_the_last_command_may_come_again(self, account: Account) -> None:
        account.said += [["killed"], ["got", "2", "1"]]
        assert kinds(account) == []
        other = deepcopy(account)
        other.said[-1] = ["got", "2", "0"]
        assert kinds(other) == [DOUBLED]
        account.said.append(["got", "2", "1"])
        assert kinds(account) == [DOUBLED]


class TestBrokerKilled:
    """What is the broker's doing is counted."""

    @pytest.mark.parametrize("rules", [Rules(forgets=True), Rules(unsaved=True)])
    def test_doubled(self, account: Account, rules: Rules) -> None:
        account.arrived.append(account.arrived[2])
        assert kinds(account, rules) == []
        assert sum(judge(account, rules).tolerated.values()) == 1

    @pytest.mark.parametrize("rules", [Rules(forgets=True), Rules(unsaved=True)])
    def test_lost_at_qos_1(self, account: Account, rules: Rules) -> None:
        del account.arrived[1]
        assert kinds(account, rules) == [LOST]

    def test_lost_at_qos_2(self, account: Account) -> None:
        del account.arrived[2]
        assert kinds(account, Rules(unsaved=True)) == []
        assert kinds(account, Rules(forgets=True)) == [LOST]
        account.unwelcome = True
        assert kinds(account, Rules(forgets=True)) == []
        assert kinds(account) == [LOST]

    def test_commands(self, account: Account) -> None:
        account.said.remove(["got", "2", "1"])
        assert kinds(account, Rules(forgets=True)) == []
        assert kinds(account) == [LOST]
