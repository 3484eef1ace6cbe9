"""A board that shows the broker its own certificate, in the place of a password, and verifies the broker's.

Copy this file to the board as main.py, what `make device PROFILE=full` builds to its lib folder, and the
three files named below. Wi-Fi is started in boot.py, as usual; so is the clock, if your board checks the
dates in a certificate. Boards read DER everywhere, so convert what is PEM:

    openssl x509 -in ca.pem -outform DER -out ca.der
    openssl x509 -in client.pem -outform DER -out client.der
    openssl pkey -in client-key.pem -outform DER -out client-key.der
"""

import gc
import time

from umqtt2.robust import MQTTClient
from umqtt2.transport.tls import TLSTransport

BROKER = "broker.example.org"  # the name that is in the broker's certificate
PORT = 8883
CA = "ca.der"  # the certificate of the authority that signed the broker's
CERTIFICATE = "client.der"  # the board's own, which the broker trusts
KEY = "client-key.der"  # its private key; no other board may have it
CLIENT_ID = "board-1"  # no two clients of a broker may have the same
UPTIME = "boards/board-1/uptime"

INTERVAL = 60  # seconds


def main():
    def say(up):
        print("connected" if up else "not connected: %r" % client.last_error)

    # Reads the files now; with one that is missing or no certificate, this is where it fails.
    transport = TLSTransport(BROKER, PORT, cadata=CA, cert=CERTIFICATE, key=KEY)
    client = MQTTClient(CLIENT_ID, BROKER, PORT, keepalive=60, transport=transport)
    gc.collect()  # TLS takes large pieces of memory
    client.connect()
    say(client.is_connected())
    client.set_callback_connection(say)
    next_time = start = time.ticks_ms()
    while True:
        client.check_msg()
        if client.is_connected() and time.ticks_diff(time.ticks_ms(), next_time) >= 0:
            next_time = time.ticks_add(next_time, INTERVAL * 1000)
            client.publish(UPTIME, str(time.ticks_diff(time.ticks_ms(), start) // 1000), qos=1)
        time.sleep_ms(10)


main()
