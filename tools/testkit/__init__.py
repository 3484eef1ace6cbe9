"""What tools and tests start on this machine: brokers, MicroPython, and what stands between and beside them.

    process       a process whose output is read
    broker        a broker as a process: start, stop, kill, log; mosquitto, rabbitmq and other_brokers are kinds of it
    certificates  throw-away certificates for it
    ports         free ports
    tree          the package and programs, in a folder that a VM can import from
    vm            runs a program on a VM and reads what it prints
    proxy         stands between a client and a broker, and cuts, holds back or drops; servers that misbehave
    observer      a client at the broker's side
    web           a folder on a web server
    board         what board.ini says of a real board
"""
