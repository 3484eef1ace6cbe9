"""What umqtt2 takes and does, measured beside other clients. Each is a command, `python -m tools.measure.NAME`:

    sizes         flash and heap of each profile and of the other clients
    speed         messages a second, heap and writes of a call
    instructions  of a call, under valgrind
    wakeup        round trips and bytes of a device that wakes up, publishes and sleeps
    wire          bytes of a reading, with MQTT 3.1.1 and 5
    fleet         how the clients of a broker that was away come back
    cluster       what is lost, and for how long, when the nodes of a cluster restart

They share `loops` (the measured clients), `broker`, `budget` (what a build may take at the most), `drawing` and
`tools.tables`.
"""
