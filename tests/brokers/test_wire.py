"""What is read in the bytes of many messages."""

from __future__ import annotations

from tests.brokers.wire import in_order, sent_twice, taken, unanswered

NEW, PRESENT = b"\x20\x02\0\0", b"\x20\x02\1\0"  # CONNACK, without a session and with one


def publish(qos: int, number: int, pid: int) -> bytes:
    topic = b"m/1/up/%d" % qos
    body = bytes([0, len(topic)]) + topic + pid.to_bytes(2, "big") + b"%d" % number
    return bytes([0x30 + 2 * qos, len(body)]) + body


def answer(first: int, pid: int) -> bytes:
    return bytes([first, 2]) + pid.to_bytes(2, "big")


def test_a_message_is_taken_when_it_is_acknowledged() -> None:
    up = publish(1, 7, 1) + publish(2, 8, 2) + publish(1, 9, 3)
    assert taken([up], [NEW + answer(0x40, 1) + answer(0x70, 2)]) == {(1, 7), (2, 8)}


def test_a_message_is_taken_when_it_is_released_in_the_same_session() -> None:
    up = [publish(2, 8, 2), answer(0x62, 2)]
    received = NEW + answer(0x50, 2)
    assert taken(up, [received, PRESENT]) == {(2, 8)}
    assert taken(up, [received, NEW]) == set()
    assert taken(up[:1], [received]) == set()


def test_a_packet_that_was_cut_off_does_not_count() -> None:
    up = publish(1, 7, 1)
    assert taken([up], [NEW + answer(0x40, 1)[:-1]]) == set()
    assert unanswered(up[:-1], NEW) == 0


def test_messages_that_are_not_answered() -> None:
    up = publish(1, 7, 1) + publish(2, 8, 2) + answer(0x62, 3) + answer(0x62, 4)
    assert unanswered(up, PRESENT + answer(0x40, 1) + answer(0x50, 2) + answer(0x70, 4)) == 2


def test_a_message_that_is_sent_twice() -> None:
    first, again, released = publish(2, 8, 5), publish(2, 8, 6), answer(0x62, 5)
    assert sent_twice([NEW + first, PRESENT + first]) == set()
    assert sent_twice([NEW + first + released, PRESENT + first]) == {8}
    assert sent_twice([NEW + first + again]) == {8}
    assert sent_twice([NEW + first, NEW + first]) == {8}
    granted_1 = b"\x32" + first[1:]
    assert sent_twice([NEW + granted_1, PRESENT + granted_1]) == {8}


def test_a_broker_that_releases_nothing_is_to_blame_for_what_comes_again() -> None:
    many = [publish(2, i, i + 1) for i in range(102)]
    assert sent_twice([NEW + b"".join(many[:100]), PRESENT + many[99]]) == set()
    assert sent_twice([NEW + b"".join(many), PRESENT + many[101]]) == {101}


def test_messages_are_sent_again_in_their_order() -> None:
    first, second, third = publish(2, 1, 1), publish(2, 2, 2), publish(1, 1, 3)
    assert in_order([first + second + third, first + second], 2)
    assert not in_order([first + second + third, second + first], 2)
