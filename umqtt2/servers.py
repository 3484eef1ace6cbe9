"""Several servers for one client: whose turn it is. Loaded by a client that is given a list of them.

Theory of operation. A round begins with the server of the last connection, or with the first one, and has one attempt
for each. The next server follows at once when one fails; the pause comes after the round. A connection that has
lasted begins a new round, after a pause, with its own server: it has the session, and the clients of a server that
ends do not all come to the next one in the same moment.
"""

from .connection import UNIT_BITS
from .reconnect import NETWORK, is_permanent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .reconnect import Reconnector


class Servers:
    """Keeps a client's `server` and `port` those of the connection, or of the next attempt."""

    def __init__(self, client: "Any") -> "None":
        """client: has a list as its `server`, of names and of (name, port), and as `port` that of the others.

        Raises ValueError for an empty list, or a client with a transport of its own, and TypeError for what is no
        server.
        """
        if client.transport:
            raise ValueError("server: a list, and a transport that has its own")
        servers = []
        for one in client.server:
            if isinstance(one, str):
                one = (one, client.port)
            if not (
                isinstance(one, tuple) and len(one) == 2 and isinstance(one[0], str) and isinstance(one[1], int)
            ):
                raise TypeError("server: not a name or (name, port) but %s" % type(one).__name__)
            servers.append(one)
        if not servers:
            raise ValueError("server: an empty list")
        self._owner = client
        self._all = servers
        self._turn = 0
        self._begin_round(0)
        client.server, client.port = servers[0]

    def _begin_round(self, failures: "int") -> "None":
        self._untried = len(self._all)
        self._curable: "Exception | None" = None  # the last one of this round that a retry may cure
        self._failures_before = failures  # as Backoff counts them: a round is one

    def choose_next(self, reconnector: "Reconnector", error: "Exception") -> "Exception":
        """The connection to the server has ended, or an attempt to make one has failed, and the time of the next
        attempt is set: choose its server, and have it made at once when the round is not over.

        Returns the error, with the server in its last argument where its class allows that.
        """
        if not isinstance(error, NETWORK):
            return error
        client = self._owner
        connection = client.connection
        backoff = reconnector.backoff
        where = "%s:%d" % (client.server, client.port)
        args = error.args
        if args and isinstance(args[-1], str):
            # The transport may have named the server.
            where = args[-1] if where in args[-1] else args[-1] + ", " + where
            args = args[:-1]
        with_server = error
        try:
            with_server = type(error)(*(args + (where,)))
        except Exception:
            pass  # a class of the program's, with other arguments
        if reconnector.was_up and backoff.failures < 2:  # it has lasted
            self._begin_round(backoff.failures)
            return with_server
        permanent = is_permanent(error)
        if not permanent:
            self._curable = error
        self._untried -= 1
        self._turn = (self._turn + 1) % len(self._all)
        client.server, client.port = self._all[self._turn]
        # Not all servers know the same sessions: what is subscribed is asked for again.
        connection.unanswered += 1
        if self._untried:
            reconnector.hurry()
            backoff.failures = min(backoff.failures, self._failures_before)
        else:
            if permanent and self._curable:
                reconnector.due = connection.now() + (backoff.pause_ms(self._curable) >> UNIT_BITS)
            self._begin_round(backoff.failures)
        return with_server
