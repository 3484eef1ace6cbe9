"""The network between a board and the broker, which can be away, or lose what the broker says."""

from __future__ import annotations

import socket

from tests.device.proxy import Proxy, cut

CONNACK = 4  # bytes


class Gate(Proxy):
    """A proxy that can be shut: then it ends the connections that there are, and takes no new ones.

    loses_acknowledgements  True has new connections hand on nothing but the broker's CONNACK
    """

    loses_acknowledgements = False
    _is_shut = False

    def shut(self) -> None:
        """Nothing passes from now on."""
        self._is_shut = True
        self.cut()

    def open(self) -> None:
        """New connections pass from now on."""
        self._is_shut = False

    def _relay(self, device: socket.socket) -> None:
        if self._is_shut:
            cut(device)
        else:
            super()._relay(device)

    def _down(self, broker: socket.socket, device: socket.socket) -> None:
        if not self.loses_acknowledgements:
            super()._down(broker, device)
            return
        try:
            device.sendall(broker.recv(CONNACK))
            while broker.recv(4096):
                pass
        except OSError:
            pass
