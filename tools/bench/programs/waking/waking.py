"""What the programs of tools/bench/awake.py share. Each has `wake(config)`.

config  host, port, tls (with `ca`, a file), scenario, eager
"""

import sys

TOPIC = "shed/temperature"
READING = "21.5"
COMMANDS = "shed/set"
WAITING = 100


def acknowledged():
    """Say that all is acknowledged, and wait until that was noted."""
    print("acknowledged")
    sys.stdin.readline()


def arguments(config, **more):
    """Return the arguments of a client of umqtt2, by name."""
    made = {"client_id": "bench", "server": config["host"], "port": config["port"], "socket_timeout": 60}
    if config["tls"]:
        made.update(ssl=True, ssl_params={"cadata": config["ca"]})
    made.update(more)
    return made
