"""Say what the import of each module takes, in the order of the command line."""

import gc
import sys

before = after = 0
name = ""

for name in sys.argv[1:]:
    gc.collect()
    before = gc.mem_alloc()
    __import__(name)
    gc.collect()
    after = gc.mem_alloc()
    print(name, after - before)
