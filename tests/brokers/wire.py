"""What the bytes between a device and a broker say of many messages.

The topic of each message ends with its QoS, and its payload is its number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.faults.checker import packets
from umqtt2.session.received_ids import LIMIT

Message = tuple[int, int]  # QoS and number


def publication(body: bytes) -> tuple[int, int, int]:
    """Packet identifier, published QoS and number of a message at QoS 1 or 2."""
    topic = 2 + int.from_bytes(body[:2], "big")
    return int.from_bytes(body[topic : topic + 2], "big"), int(body[topic - 1 : topic]), int(body[topic + 2 :])


def sent_twice(connections: Sequence[bytes]) -> set[int]:
    """The numbers of the messages at QoS 2 that come twice to a device that does as section 4.3.3 says, and takes one
    with another content for another one, whatever its packet identifier.

    connections: the bytes that went to the device. A broker that leaves more messages without their PUBREL than the
    device remembers is to blame for what comes again from then on.
    """
    known: dict[int, int] = {}  # by packet identifier, until it is released
    forgets = False
    numbers: Counter[int] = Counter()
    for data in connections:
        for first, body in packets(data):
            if first == 0x20 and not body[0]:
                known.clear()
            elif first & 0xF0 == 0x30:
                pid, qos, number = publication(body)
                if qos == 2:
                    numbers[number] += forgets or known.get(pid) != number
                if first & 4:
                    known[pid] = number
                    forgets = forgets or len(known) > LIMIT
            elif first == 0x62:
                known.pop(int.from_bytes(body, "big"), None)
    return {number for number, times in numbers.items() if times > 1}


def in_order(connections: Sequence[bytes], qos: int) -> bool:
    """Whether the messages at a QoS were sent in their order on each connection. connections: the bytes of each."""
    for data in connections:
        sent = [publication(body) for first, body in packets(data) if first & 0xF0 == 0x30]
        numbers = [number for _, one, number in sent if one == qos]
        if numbers != sorted(numbers):
            return False
    return True


def taken(up: Sequence[bytes], down: Sequence[bytes]) -> set[Message]:
    """The messages from the device that the broker has to deliver: those with PUBACK or PUBCOMP, and those that had
    PUBREC and PUBREL in a session that is still there.

    up, down: the bytes of each connection; the device gives no packet identifier twice
    """
    sent: dict[int, Message] = {}
    done: set[int] = set()
    received: set[int] = set()
    released: set[int] = set()
    for from_device, to_device in zip(up, down):
        for first, body in packets(to_device):
            pid = int.from_bytes(body, "big")
            if first == 0x20 and not body[0]:
                received.clear()
            elif first == 0x50:
                received.add(pid)
            elif first in (0x40, 0x70):
                done.add(pid)
        for first, body in packets(from_device):
            if first & 0xF0 == 0x30:
                pid, *message = publication(body)
                sent[pid] = message[0], message[1]
            elif first == 0x62:
                released.add(int.from_bytes(body, "big"))
    return {message for pid, message in sent.items() if pid in done | received & released}


def unanswered(up: bytes, down: bytes) -> int:
    """The number of messages from the device that were sent or released on a connection, and not answered there."""
    asked = {publication(body)[0] for first, body in packets(up) if first & 0xF0 == 0x30}
    asked |= {int.from_bytes(body, "big") for first, body in packets(up) if first == 0x62}
    return len(asked - {int.from_bytes(body, "big") for first, body in packets(down) if first in (0x40, 0x70)})
