"""The settings of the examples: edit them, and copy this file to the board beside the example."""

BROKER = "broker.example.org"  # the name that is in the broker's certificate
PORT = 8883
CA_FILE = "ca.der"  # the authority that signed the broker's certificate, as DER; "" connects without TLS
USER = None
PASSWORD = None

CLIENT_ID = "thermometer-1"  # no two clients of a broker may have the same
READINGS = "home/thermometer-1/temperature"
COMMANDS = "home/thermometer-1/command"

INTERVAL = 500  # milliseconds from one reading to the next
SECONDS = 0  # how long to run; 0 is for ever
