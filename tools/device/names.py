"""Names that cost a board nothing, because every MicroPython has them built in."""

from __future__ import annotations

# Names that are part of the .mpy format itself. They are for attributes, so there is none that a program's
# subclass is likely to use, and no method of a dict, for the session store is one. The same ones do for
# what is global, and for arguments: a file has a list of the names in it.
# MicroPython remembers for each name where it was found last; two names whose numbers in the format are the same
# modulo 64 share that place. So none of the first half shares it with another one, nor with `write`, `len`, `send` or
# `step`, which every message passes; and none is the name of a method that is called there, such as `startswith`: it
# would be found at another place each time. Their order is one of some forty that were tried, with few instructions.
FREE = (
    "hasattr setattr bytecode locals rindex isupper eval exec staticmethod rfind islower IndentationError "
    "getattr SyntaxError IndexError NameError RuntimeError rstrip KeyboardInterrupt endswith isdigit "
    "NotImplementedError lstrip globals callable OverflowError ord isspace rsplit ArithmeticError SystemExit "
    "isalpha isinstance ZeroDivisionError repr readline issubclass LookupError KeyError NoneType classmethod "
    "divmod chr sorted AssertionError AttributeError EOFError Ellipsis GeneratorExit lower upper replace reverse "
    "startswith from_bytes"
).split()
# Not of the format, but of all firmware: they cost no heap.
FREE += "delattr frozenset reversed enumerate oct hex bin property UnicodeError StopAsyncIteration".split()
# The same, where no program has a subclass.
MORE = (
    "abs all any append args builtins const copy count dict dir end extend find format hash index insert items "
    "iter join key keys list little main map micropython object pow remove round sep sort split "
    "strip sum super throw tuple type update value values zip __main__ __name__ __path__ "
    "len min max isinstance range int str bytes bytearray print next getattr memoryview bool id hash open float "
    "OSError ValueError TypeError MemoryError ImportError StopIteration Exception BaseException self"
).split()
# Not for what is global: the compiler and the VM look at these.
SPECIAL = ("const", "super", "self", "__main__", "__name__", "__path__")

# For functions, whose names stand in tracebacks, where "in OverflowError" would send a reader astray: no names of
# Python's own functions and exceptions, and of methods of str, list and dict; nor `read` and `match`, which would stand
# in the way of `len` in the VM's table of the global names of `simple`. Those of the .mpy format:
SHORT = (
    "start step stop send throw key value end sep args main readinto write close little bytecode micropython "
    "builtins"
).split()
PLAIN = (
    "run wait done push peek load dump poll lock fill head line text code data name path state event group task coro "
    "off on bind recv idle seek tell stat sync flush drain search select accept listen cancel acquire release "
    "locked reason timeout message request connect choice schedule register unregister enable disable discard "
    "threshold dumps loads unpack decode mount umount modify waiting wait_for pack_into errno uint port"
).split()
PLAIN = SHORT + PLAIN
# The same, where a program may have a subclass with methods of its own.
UNUSUAL = (
    "little bytecode builtins micropython sendto recvfrom pack_into popleft appendleft heapify heappop heappush is_set "
    "calcsize unpack_from getvalue ticks_us ticks_cpu time_ns sleep_us hexlify unhexlify ilistdir mem_free stack_use "
    "opt_level setsockopt pend_throw wait_closed current_task getaddrinfo getrandbits version_info print_exception "
    "loads ipoll umount statvfs isenabled makefile threshold wait_for waiting settimeout errorcode crc32 chdir rmdir "
    "getcwd gmtime mktime localtime b2a_base64 heap_lock heap_unlock qstr_info implementation create_task "
    "run_forever get_event_loop call_exception_handler namedtuple readblocks writeblocks ioctl mkdir"
).split()
