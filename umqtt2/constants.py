"""Numbers that several parts share, and what a build for a board may leave out."""

READABLE = 1  # select's POLLIN
WRITABLE = 4  # select's POLLOUT
POLL_MS = 5  # between two looks at what cannot be waited for
NAP_MS = 20  # between two looks of an event loop at what it cannot watch
ONE_WRITE = 128  # bytes: a packet of up to this many leaves in one write

HUGE = True  # a payload can be longer than MQTT's limit of 256 MB; not in the memory of a board

# Parts that builds switch off.
FIVE = True  # versions of the protocol besides MQTT 3.1.1
STREAMING = True  # payloads larger than the memory
STORES = True  # session stores that know QoS 2, or keep messages and send them again
WORDS = True  # what says more about an error than its number
SHOWN = True  # `repr` of a client says more than its class
CHECKS = True  # what says clearly what would be said less clearly without it
STRICT = True  # the same for arguments that are rarely wrong; no build has it
PLAIN = True  # clients that wait, and call the program: all but umqtt2.aio
SERVERS = True  # lists of servers
EAGER = True  # what need not wait for the CONNACK may be sent before it
NETWORKS = True  # a network that the client brings up
