"""An ejabberd on 127.0.0.1, with its module for MQTT and without XMPP."""

from __future__ import annotations

import json
from pathlib import Path

from tools import fetch
from tools.testkit.broker import HOST
from tools.testkit.other_brokers import PASSWORD, USER, OtherBroker

DOMAIN = "localhost"  # of its users


class Ejabberd(OtherBroker):
    """See OtherBroker. Its node is not distributed, so that it needs no register of nodes."""

    name = "ejabberd"
    seconds = 90
    ready = "users are there"  # which are registered after it listens

    def _prepare(self) -> None:
        self._listeners("ws", "tls")
        pem = "".join(Path(self._pem(name)).read_text() for name in ("server-key", "server"))
        listener = {"ip": HOST, "module": "mod_mqtt"}
        settings = {
            "hosts": [DOMAIN],
            "loglevel": "warning",
            "certfiles": [self._write("server.pem", pem)],
            "auth_method": ["internal"],
            "listen": [
                {**listener, "port": self.port},
                {**listener, "port": self.ports["tls"], "tls": True},
                {
                    **listener,
                    "port": self.ports["ws"],
                    "module": "ejabberd_http",
                    "request_handlers": {self.path: "mod_mqtt"},
                },
            ],
            "modules": {
                "mod_mqtt": {
                    # Its rules allow, and what none of them allows is refused: "+" is for a subscription to "#".
                    "access_subscribe": {"t/#": "all", "m/#": "all", "+": "all"},
                    "session_expiry": "1 hour",
                }
            },
        }
        # YAML, too.
        self._write("ejabberd.yml", json.dumps(settings))

    def _command(self) -> tuple[list[str], dict[str, str]]:
        names = (f'<<"{word}">>' for word in (USER, DOMAIN, PASSWORD))
        users = f'ejabberd_auth:try_register({", ".join(names)}), io:format("users are there~n")'
        environment = {
            "HOME": str(self._folder),
            "ERL_CRASH_DUMP": f"{self._folder}/crash.dump",
            "EJABBERD_CONFIG_PATH": f"{self._folder}/ejabberd.yml",
            "EJABBERD_LOG_PATH": f"{self._folder}/ejabberd.log",
        }
        mnesia = ["-mnesia", "dir", f'"{self._folder}/data"']
        return [str(fetch.ejabberd()), "-noinput", *mnesia, "-s", "ejabberd", "-eval", users], environment
