"""Session stores with one mistake each, which the checker must find."""

from umqtt2.session.memory import AWAITS, PID, MemorySession, awaits_of


class Loses(MemorySession):
    """Drops the messages in flight when the connection breaks."""

    def on_close(self, by_broker):
        for message in self.messages[: self.sent_messages]:
            self.remove(message[PID])
        super().on_close(by_broker)


class Reorders(MemorySession):
    """Redelivers in reverse order."""

    def resume(self, present, uncertain, now):
        super().resume(present, uncertain, now)
        if not self.sent_messages:  # none of them followed the CONNECT
            self.messages.reverse()


class PublishesAgain(MemorySession):
    """Goes back to PUBLISH after PUBREC."""

    def resume(self, present, uncertain, now):
        for message in self.messages:
            message[AWAITS] = awaits_of(message[1])
        super().resume(present, uncertain, now)


class DeliversAgain(MemorySession):
    """Treats every message as new."""

    def is_new(self, pid, topic, payload, size=0):
        super().is_new(pid, topic, payload, size)
        return True
