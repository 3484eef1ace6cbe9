"""Session stores with a mistake, each: the judge must see it."""

from umqtt2.session.memory import MemorySession


class Loses(MemorySession):
    """Takes what was in flight for delivered when the connection breaks."""

    def resume(self, present):
        for packet in list(self._kept):
            if packet[1] & 0xF0 == 0x30:
                self.done(packet[0])
        super().resume(present)


class Reorders(MemorySession):
    """Sends again in the opposite order."""

    def resume(self, present):
        super().resume(present)
        self._kept.reverse()


class PublishesAgain(MemorySession):
    """Goes back to PUBLISH after PUBREC."""

    def resume(self, present):
        for packet in self._kept:
            packet[1] = packet[1] or packet[5]
        super().resume(present)


class DeliversAgain(MemorySession):
    """Does not know what it has delivered."""

    def duplicate(self, pid):
        return False
