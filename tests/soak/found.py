"""What a run came to, and whether that is as it must be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Found:
    """The facts.

    warm_up    messages each way before the heap was measured the first time
    count      messages each way after that
    breaks     connections that were broken
    settled    what the device said after the warm-up, see programs/soak.py
    done       what it said at its end
    arrived    how often each of the device's messages came to the broker, by number
    strange    messages that came to the broker, and that the device has never sent
    seconds    for all of it
    """

    warm_up: int
    count: int
    breaks: int
    settled: dict[str, int]
    done: dict[str, int]
    arrived: list[int]
    strange: int
    seconds: float

    def problems(self) -> list[str]:
        """What must not be, a line each."""
        total = self.warm_up + self.count
        lost = self.arrived.count(0)
        wrong = {
            f"{lost} messages never came to the broker": lost,
            f"{self.strange} messages came to the broker that were never sent": self.strange,
            f"{self.done['delivered']} of {total} have the status of a delivered one": (
                self.done["delivered"] != total
            ),
            f"{self.done['skipped']} messages never came to the device": self.done["skipped"],
            f"{self.done['received']} of {total} came to the device": self.done["received"] != total,
            "the device has not reconnected": self.done["ups"] <= 1,
            f"the heap has {self.settled['free'] - self.done['free']} bytes less": (
                self.settled["free"] != self.done["free"]
            ),
        }
        return [text for text, is_wrong in wrong.items() if is_wrong]

    def lines(self) -> list[str]:
        """All of it, to be read."""
        total = len(self.arrived)
        lost = self.arrived.count(0)
        return [
            f"messages   {self.count:,} each way at QoS 1, and {self.warm_up:,} each way before, to warm up",
            f"broken     {self.breaks} connections; the device has made {self.done['ups']}",
            f"to broker  {total - lost:,} of {total:,}, and {sum(self.arrived) - total + lost:,} again",
            f"to device  {self.done['received']:,} of {total:,}, and {self.done['again']:,} again",
            f"free heap  {self.settled['free']:,} bytes after the warm-up, {self.done['free']:,} at the end",
            f"time       {self.seconds:.0f} s, {total / self.seconds:,.0f} messages each way a second",
            *(self.problems() or ["Nothing was lost, and the heap is what it was."]),
        ]
