"""The packets that are a fixed header and nothing else [3.12, 3.14]."""

PINGREQ = b"\xc0\0"
DISCONNECT = b"\xe0\0"
