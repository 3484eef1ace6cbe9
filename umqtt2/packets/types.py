"""The first byte of each control packet: its type and, where they are fixed, its flags [2.2.1, 2.2.2].

PINGREQ and DISCONNECT are whole in `empty`.
"""

CONNECT = 0x10
CONNACK = 0x20
PUBLISH = 0x30  # and the flags DUP 8, QoS 6, RETAIN 1
PUBACK = 0x40
PUBREC = 0x50
PUBREL = 0x62
PUBCOMP = 0x70
SUBSCRIBE = 0x82
SUBACK = 0x90
UNSUBSCRIBE = 0xA2
UNSUBACK = 0xB0
PINGRESP = 0xD0
