"""Files that are updated over the air, whatever their size: main.py, a module, a picture.

Copy this file to the board, what `make device PROFILE=full` builds to its lib folder, and the certificate
of your broker's authority. Wi-Fi is started in boot.py, as usual. A file is sent with its name and its
SHA-256 in the topic:

    mosquitto_pub -h broker.example.org -p 8883 --cafile ca.pem -q 1 -f main.py \
        -t boards/board-1/update/main.py/$(sha256sum main.py | cut -c 1-64)

The board answers to boards/board-1/updated, and resets. Who may publish there owns the board: have the broker
allow it to nobody else.
"""

import gc
import os
import time
from binascii import hexlify
from hashlib import sha256

import machine

from umqtt2.robust import MQTTClient
from umqtt2.transport.tls import TLSTransport

BROKER = "broker.example.org"  # the name that is in the broker's certificate
PORT = 8883
CA = "ca.der"
CLIENT_ID = "board-1"  # no two clients of a broker may have the same
UPDATE = "boards/board-1/update/+/+"  # name and SHA-256
UPDATED = "boards/board-1/updated"

FOLDER = "/"
PART = "update.part"  # what has come of a file


class Update:
    """Writes a file as it comes, beside the one that it replaces."""

    result = ""  # what became of the last one
    installed = False
    _file = None
    _hash = None

    def on_chunk(self, topic, chunk, offset, total):
        """Called from check_msg(): some bytes of a file. When the connection broke, it begins anew."""
        name, digest = topic.decode().split("/")[-2:]
        try:
            if offset == 0:
                if self._file:
                    self._file.close()
                self._file = open(FOLDER + PART, "wb")
                self._hash = sha256()
            if self._hash:
                self._file.write(chunk)
                self._hash.update(chunk)
                if offset + len(chunk) == total:
                    self._file.close()
                    self._install(name, hexlify(self._hash.digest()).decode() == digest)
        except OSError as error:  # no room, for example; what follows of it is not wanted
            self._hash = None
            self.result = "%s failed: %r" % (name, error)

    def _install(self, name, is_whole):
        if is_whole:
            os.rename(FOLDER + PART, FOLDER + name)  # at once or not at all, on littlefs
            self.installed = True
        else:
            os.remove(FOLDER + PART)
        self.result = name + (" installed" if is_whole else " failed: not what its SHA-256 says")


def main():
    def say(up):
        print("connected" if up else "not connected: %r" % client.last_error)

    update = Update()
    transport = TLSTransport(BROKER, PORT, cadata=CA)
    # What is larger than max_packet comes in chunks, which need no memory.
    client = MQTTClient(CLIENT_ID, BROKER, PORT, keepalive=30, transport=transport, max_packet=512)
    client.set_callback(lambda topic, msg, retained, dup: None)  # for what does not come in chunks: nothing
    client.set_callback_chunks(update.on_chunk, UPDATE)
    gc.collect()  # TLS takes large pieces of memory
    client.connect()
    say(client.is_connected())
    client.set_callback_connection(say)
    client.subscribe(UPDATE, qos=1)
    while not update.installed or client.session.waiting():
        client.check_msg()
        if update.result:
            print(update.result)
            client.publish(UPDATED, update.result, qos=1)
            update.result = ""
        time.sleep_ms(5)
    client.disconnect()
    machine.reset()


main()
