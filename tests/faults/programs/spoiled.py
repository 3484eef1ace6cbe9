"""Session stores with a mistake, each: the judge must see it."""

from umqtt2.session.memory import AWAITS, PID, MemorySession, awaits_of


class Loses(MemorySession):
    """Takes what was in flight for delivered when the connection breaks."""

    def resume(self, present, uncertain, now):
        for message in self.messages[: self.sent_messages]:
            self.remove(message[PID])
        super().resume(present, uncertain, now)


class Reorders(MemorySession):
    """Sends again in the opposite order."""

    def resume(self, present, uncertain, now):
        super().resume(present, uncertain, now)
        self.messages.reverse()


class PublishesAgain(MemorySession):
    """Goes back to PUBLISH after PUBREC."""

    def resume(self, present, uncertain, now):
        for message in self.messages:
            message[AWAITS] = awaits_of(message[1])
        super().resume(present, uncertain, now)


class DeliversAgain(MemorySession):
    """Does not know what it has delivered."""

    def is_new(self, pid, topic, payload, size=0):
        super().is_new(pid, topic, payload, size)
        return True
