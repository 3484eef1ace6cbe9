"""Say what the import and one more client object take of the heap, and which files were loaded."""

import gc
import sys

from micropython import qstr_info

# Names that are there before do not make the dict of them grow in between.
before = after = one = two = 0
MQTTClient = first = second = None
own = set(sys.modules)

qstr_info()
gc.collect()
before = gc.mem_alloc()
from umqtt2 import MQTTClient  # noqa: E402, F811

gc.collect()
after = gc.mem_alloc()
qstr_info()
first = MQTTClient("sizes", "localhost")
gc.collect()
one = gc.mem_alloc()
second = MQTTClient("sizes", "localhost")
gc.collect()
two = gc.mem_alloc()

print(after - before)
print(two - one)
for name in set(sys.modules) - own:
    print(getattr(sys.modules[name], "__file__", ""))
