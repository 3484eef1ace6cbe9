"""Give the path of a program that the tests need: found on this machine, or fetched below build/.

`python3 tools/fetch.py NAME` prints it; `--help` says which there are.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

if not __package__:  # when it is run as a file, the repository is not on sys.path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import debian, erlang, errors  # noqa: E402
from tools.commands import said  # noqa: E402
from tools.errors import ToolError, Unsupported  # noqa: E402
from tools.micropython import OLDEST, probe  # noqa: E402
from tools.paths import BUILD, made_once  # noqa: E402
from tools.unpacked import wrap, write_script  # noqa: E402

STABLE, NEWEST = "trixie", "sid"  # Debian's suites with MicroPython 1.25 and with its newest package
NOT_HERE = "do without it"
NAMES = ("vm32", "vm64", "vm-newest", "mosquitto", "mosquitto-passwd", "mosquitto-pub", "mosquitto-sub", "valgrind")
# What ActiveMQ needs of /usr/share/java besides its own.
JARS = (
    *("hawtdispatch", "hawtdispatch-transport", "mqtt-client", "slf4j-simple", "activemq-spring", "xbean-spring"),
    *("spring3-aop", "spring3-beans", "spring3-context", "spring3-core", "spring3-expression"),
)


def found_here(name: str, works: Callable[[Path], object], others: Sequence[str] = ()) -> Path | None:
    """A program that this machine has and that works: the one that NAME in the environment says, or one on PATH.

    others: names that it may have besides.
    """
    variable = name.upper()
    if given := os.environ.get(variable):
        if not works(Path(given)):
            raise ToolError(f"{name}: {variable}={given} is no {name} that runs; correct or unset it")
        return Path(given)
    # Where servers are installed, which an ordinary user's PATH leaves out.
    folders = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    on_path = filter(None, (shutil.which(one, path=folders) for one in (name, *others)))
    return next((path for path in map(Path, on_path) if works(path)), None)


class Packages(NamedTuple):
    """Packages of Debian, whose programs run from where they are unpacked.

    names     the first is that of the program, too
    programs  their paths, as patterns; the first is the program itself
    works     whether it runs here
    remedy    what the user can do where it cannot be fetched
    settings  environment variables that they need, each a path
    """

    names: Sequence[str]
    programs: Sequence[str]
    works: Callable[[Path], object]
    remedy: str = NOT_HERE
    settings: Mapping[str, str] = {}

    def here(self) -> Path | None:
        """The program that this machine has."""
        return found_here(self.names[0], self.works)

    def fetched(self, name: str, suite: str) -> Path:
        """The program below build/`name`; the others are beside it."""
        folder = made_once(BUILD / name, lambda folder: self.unpack(folder, suite))
        return folder / Path(self.programs[0]).name

    def unpack(self, folder: Path, suite: str, small: bool = False) -> None:
        """Fetch and unpack them; small: those for 32 bits."""
        debian.unpack(self.names, suite, folder / "root", self.remedy, small=small)
        program, *_ = [wrap(folder, folder / "root", program, self.settings) for program in self.programs]
        if not self.works(program):
            what = f"{self.names[0]}: that of {debian.mirror().origin}"
            raise Unsupported(f"{what} does not run here; {self.remedy}")


MICROPYTHON = Packages(
    ["micropython"],
    ["usr/bin/micropython"],
    lambda path: (known := probe(path)) and known.version >= OLDEST,
    "install micropython {}.{} or later, or set MICROPYTHON=/path".format(*OLDEST),
)
MOSQUITTO = Packages(
    ["mosquitto", "mosquitto-clients"],
    ["usr/sbin/mosquitto", *(f"usr/bin/mosquitto_{name}" for name in ("passwd", "pub", "sub"))],
    lambda path: "mosquitto version" in said(str(path), "-h"),
    "install mosquitto, or set MOSQUITTO=/path",
)
# /usr/bin/valgrind is a script that expects valgrind to be installed, so the program itself is run. One is wanted that
# can count the instructions of another program.
VALGRIND = Packages(
    ["valgrind"],
    ["usr/bin/valgrind.bin"],
    lambda path: "Collected" in said(str(path), "--tool=callgrind", "--callgrind-out-file=/dev/null", "/bin/true"),
    "install valgrind, or set VALGRIND=/path",
    {"VALGRIND_LIB": "usr/libexec/valgrind"},
)
ACTIVEMQ = Packages(
    ["activemq", "libmqtt-client-java", "libhawtdispatch-java"],
    ["usr/lib/jvm/java-*-openjdk-*/bin/java"],
    lambda path: said(str(path), "-version"),
)


def vm32() -> Path:
    """MicroPython with a board's word size; vm64 where this machine runs no 32-bit program."""

    def make(folder: Path) -> None:
        try:
            MICROPYTHON.unpack(folder, STABLE, small=True)
        except Unsupported as error:
            print(f"vm32: {error}; using vm64", file=sys.stderr)
            write_script(folder / "micropython", f'exec "{vm64()}" "$@"')

    return _vm_here(32) or made_once(BUILD / "vm" / "vm32", make) / "micropython"


def vm64() -> Path:
    """MicroPython with this machine's word size."""
    return _vm_here(64) or MICROPYTHON.fetched("vm/vm64", STABLE)


def vm_newest() -> Path:
    """The newest MicroPython that Debian has."""
    found = None if debian.here() and not os.environ.get("MICROPYTHON") else _vm_here(64, 32)
    return found or MICROPYTHON.fetched("vm/vm-newest", NEWEST)


def _vm_here(*bits: int) -> Path | None:
    """The MicroPython that the user has set, or one on PATH with one of these word sizes."""
    found = MICROPYTHON.here()
    known = probe(found) if found else None
    return found if known and (os.environ.get("MICROPYTHON") or known.bits in bits) else None


def mosquitto() -> Path:
    """The broker."""
    return MOSQUITTO.here() or MOSQUITTO.fetched("mosquitto", "")


def _beside_mosquitto(name: str) -> Path:
    """A program that comes with the broker."""
    return Path(shutil.which(name) or MOSQUITTO.fetched("mosquitto", "").with_name(name))


mosquitto_passwd, mosquitto_pub, mosquitto_sub = (
    partial(_beside_mosquitto, f"mosquitto_{name}") for name in ("passwd", "pub", "sub")
)
# The broker of the suites of vm64 and vm-newest.
mosquitto_stable = partial(MOSQUITTO._replace(remedy=NOT_HERE).fetched, "mosquitto-stable", STABLE)
mosquitto_newest = partial(MOSQUITTO._replace(remedy=NOT_HERE).fetched, "mosquitto-newest", NEWEST)


def valgrind() -> Path:
    """It counts the instructions of a program."""
    return VALGRIND.here() or VALGRIND.fetched("valgrind", STABLE)


def rabbitmq() -> Path:
    """The script that starts RabbitMQ; `erlang.program` gives what else it needs."""
    server = "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"
    return erlang.script("rabbitmq", STABLE, "rabbitmq-server", server)


def ejabberd() -> Path:
    """The script that starts an Erlang that knows the parts of ejabberd."""
    return erlang.script("ejabberd", STABLE, "ejabberd", "usr/lib/erlang/bin/erl", "usr/lib/*/ejabberd-*")


def activemq() -> tuple[Path, str]:
    """Java, and the class path of ActiveMQ with MQTT."""
    java = ACTIVEMQ.fetched("activemq", STABLE)
    share = java.parent / "root" / "usr" / "share"
    return java, ":".join([f"{share}/activemq/lib/*", *(f"{share}/java/{name}.jar" for name in JARS)])


def main() -> None:
    """Print the path of the program that is asked for."""
    parser = argparse.ArgumentParser("fetch.py", description="Say where a program is; it is fetched if need be.")
    parser.add_argument("name", choices=NAMES)
    print(globals()[parser.parse_args().name.replace("-", "_")]())


if __name__ == "__main__":
    errors.run_main(main)
