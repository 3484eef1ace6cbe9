"""The session store that a client with QoS 2 has by default: identifiers and deadlines, no messages."""

from .incoming import Incoming
from .pids import PidSession


class ExactSession(PidSession, Incoming):
    """PidSession with QoS 2: exactly once, as long as the connection lasts. What was in flight when it
    broke gets the status STIMEOUT, or none if a clean session is begun; nothing is sent again."""

    def received(self, pid: "int") -> "bool":
        """PUBREC came; PUBCOMP has the rest of the time."""
        return pid in self
