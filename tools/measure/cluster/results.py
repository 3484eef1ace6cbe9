"""What came of a run: which messages were lost, and for how long each client had no connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Client:
    """One client.

    events  when (in seconds), and whether it had a connection from then on
    """

    name: str
    kind: str
    events: list[tuple[float, bool]] = field(default_factory=list)
    published: int = 0

    def offline(self) -> list[tuple[float, float]]:
        """From when to when it had no connection, between its first one and its end."""
        gaps = []
        since: float | None = None
        for when, up in self.events:
            if up and since is not None:
                gaps.append((since, when))
                since = None
            elif not up and since is None:
                since = when
        return gaps

    def longest(self) -> float:
        """The longest time without a connection."""
        return max((end - begin for begin, end in self.offline()), default=0.0)


def compare(clients: Iterable[Client], received: Iterable[str]) -> tuple[list[str], int]:
    """Return the messages that were lost, and how many came more than once."""
    counts = Counter(received)
    wanted = [f"{client.name} {i}" for client in clients for i in range(client.published)]
    return [text for text in wanted if not counts[text]], sum(n - 1 for n in counts.values())
