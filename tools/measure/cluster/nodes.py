"""Nodes of RabbitMQ on 127.0.0.1 that are one cluster."""

from __future__ import annotations

from pathlib import Path

from tools.testkit.broker import HOST
from tools.testkit.ports import free_ports
from tools.testkit.rabbitmq import RabbitMQ


class Node(RabbitMQ):
    """See RabbitMQ.

    amqp_port  for consumers
    """

    seconds = 180

    def __init__(self, folder: Path, before: list[Node]) -> None:
        """before: the nodes that run already, whose cluster it joins."""
        super().__init__(folder)
        self.amqp_port = 0
        self._before = before

    @property
    def node(self) -> str:
        """Its name in the cluster."""
        return f"umqtt2-{self.port}@localhost"

    def start(self) -> None:
        """Start it, with the register of nodes of the first one."""
        if self._before:
            self._epmd = self._before[0]._epmd
        super().start()

    def _prepare(self) -> None:
        super()._prepare()
        if self._before:
            self._epmd_port = self._before[0]._epmd_port
        (self.amqp_port,) = free_ports(1)
        conf = self._folder / "rabbitmq.conf"
        lines = [f"listeners.tcp.1 = {HOST}:{self.amqp_port}"]
        lines.append("cluster_formation.peer_discovery_backend = classic_config")
        for i, node in enumerate([*self._before, self], 1):
            lines.append(f"cluster_formation.classic_config.nodes.{i} = {node.node}")
        conf.write_text(conf.read_text().replace("listeners.tcp = none", "\n".join(lines)))

    def _command(self) -> tuple[list[str], dict[str, str]]:
        command, environment = super()._command()
        # The nodes' shared secret is in the first one's folder.
        environment["HOME"] = str((self._before or [self])[0]._folder)
        return command, environment
