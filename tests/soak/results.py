"""The results of a run, and the problems in them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Results:
    """What was counted and measured.

    warm_up     messages each way before the heap was measured the first time
    count       messages each way after that
    breaks      connections that were broken
    warm        facts that the device printed after the warm-up, see programs/soak.py
    done        facts that it printed at its end
    arrived     how often each of the device's messages arrived at the broker, by number
    unexpected  messages that arrived at the broker and that the device had not sent
    seconds     for the whole run
    """

    warm_up: int
    count: int
    breaks: int
    warm: dict[str, int]
    done: dict[str, int]
    arrived: list[int]
    unexpected: int
    seconds: float

    def problems(self) -> list[str]:
        """A line for each problem."""
        total = self.warm_up + self.count
        lost = self.arrived.count(0)
        wrong = {
            f"{lost} messages did not arrive at the broker": lost,
            f"{self.unexpected} messages arrived at the broker that were not sent": self.unexpected,
            f"{self.done['delivered']} of {total} have the status SDELIVERED": (self.done["delivered"] != total),
            f"{self.done['skipped']} messages did not arrive at the device": self.done["skipped"],
            f"{self.done['received']} of {total} arrived at the device": self.done["received"] != total,
            "the device did not reconnect": self.done["ups"] <= 1,
            f"{self.warm['free'] - self.done['free']} bytes less are free in the heap": (
                self.warm["free"] > self.done["free"]
            ),
        }
        return [text for text, is_wrong in wrong.items() if is_wrong]

    def lines(self) -> list[str]:
        """The results as text."""
        total = len(self.arrived)
        lost = self.arrived.count(0)
        return [
            f"messages   {self.count:,} each way at QoS 1, and {self.warm_up:,} each way before, to warm up",
            f"broken     {self.breaks} connections; the device has made {self.done['ups']}",
            f"to broker  {total - lost:,} of {total:,}, and {sum(self.arrived) - total + lost:,} again",
            f"to device  {self.done['received']:,} of {total:,}, and {self.done['again']:,} again",
            f"free heap  {self.warm['free']:,} bytes after the warm-up, {self.done['free']:,} at the end",
            f"time       {self.seconds:.0f} s, {total / self.seconds:,.0f} messages each way a second",
            *(self.problems() or ["Nothing was lost, and as much of the heap is free as before."]),
        ]
