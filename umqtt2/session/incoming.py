"""What arrived at QoS 2 and is not released yet."""


class Incoming:
    """Part of a session store that knows QoS 2: remembers the identifiers of messages that were given
    to the program, until the broker lets go of them [4.3.3]. See the contract in `umqtt2.session`."""

    _delivered: "tuple[()] | set[int]" = ()

    def duplicate(self, pid: "int") -> "bool":
        """Return whether a message with this identifier has come before."""
        return pid in self._delivered

    def delivered(self, pid: "int") -> "None":
        """Remember an identifier."""
        self._delivered = self._delivered or set()
        self._delivered.add(pid)

    def released(self, pid: "int") -> "None":
        """Forget an identifier, which may be unknown."""
        if pid in self._delivered:
            self._delivered.remove(pid)  # type: ignore[union-attr]

    def resume(self, present: "bool") -> "None":
        """A connection begins: without the broker's session, its identifiers mean nothing any more."""
        if not present:
            self._delivered = ()
