"""Each profile is installed in the ways that docs/installing.md tells, and then publishes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
from mpremote.mip import do_mip

from tools import fetch, packages
from tools.device import PROFILES, build
from tools.paths import REPO
from tools.testkit import vm
from tools.testkit.mosquitto import Mosquitto
from tools.testkit.observer import Observer
from tools.testkit.process import finish

PROGRAMS = Path(__file__).parent / "programs"
PACKAGE_FILES = [name for name in packages.PACKAGES if name != "package.json"]
FRONT = {"aio": "umqtt2.aio"}  # where the client is; elsewhere it is in umqtt2
WITH_TLS = [name for name in PROFILES if name != "core"]


def run(*arguments: str, path: Path | None = None) -> str:
    """Run the VM, which can import from `path` and what it has built in; give what it prints."""
    done = finish([str(fetch.vm32()), *arguments], None, vm.imports(*filter(None, [path])), 180)
    assert not done.returncode, done.stdout
    return done.stdout


def mip(target: Path, package: str, server: str | None = None) -> None:
    """Install a package with the VM's own mip."""
    said = run("-c", f"import mip; mip.install({package!r}, index={server!r}, target={str(target)!r})")
    assert said.splitlines()[-1] == "Done", said


def publish(
    target: Path, broker: Mosquitto, observer: Observer, tls: bool = False, module: str = "umqtt2"
) -> None:
    """Publish with what is installed in `target`; the broker must deliver it."""
    topic = f"installed/{target.name}"
    arguments = [str(broker.port("tls" if tls else "plain")), topic]
    program = "publish_aio.py" if module == "umqtt2.aio" else "publish.py"
    if program == "publish.py":
        arguments.append(module)
    if tls:
        arguments.append(broker.certificates.der("ca"))
    run(str(PROGRAMS / program), *arguments, path=target)
    payload, qos, _ = observer.next(topic)
    assert payload.startswith(str(target).encode() if module.startswith("umqtt2") else b""), "another one"
    assert qos == 1
    assert observer.rest(topic) == []


@pytest.mark.parametrize("profile", PROFILES)
def test_build_from_an_index(
    profile: str, tmp_path: Path, serve: Callable[[Path], str], broker: Mosquitto, observer: Observer
) -> None:
    name = packages.add(profile, build(profile), tmp_path / "index")
    target = tmp_path / f"index-{profile}"
    mip(target, name, serve(tmp_path / "index"))
    assert not list(target.rglob("*.py"))
    module = FRONT.get(profile, "umqtt2")
    publish(target, broker, observer, module=module)
    if profile in WITH_TLS:
        publish(target, broker, observer, tls=True, module=module)
    if module == "umqtt2":
        shutil.copytree(REPO / "compat" / "umqtt", target / "umqtt")
        publish(target, broker, observer, module="umqtt.simple2")


@pytest.mark.parametrize("name", PACKAGE_FILES)
def test_sources_from_a_package_file(
    name: str, tmp_path: Path, serve: Callable[[Path], str], broker: Mosquitto, observer: Observer
) -> None:
    """With absolute addresses, as the oldest mip needs them."""
    site = tmp_path / "site"
    for folder in ("umqtt2", "compat"):
        shutil.copytree(REPO / folder, site / folder)
    base = serve(site)
    packages.write(site, base)
    target = tmp_path / Path(name).stem
    mip(target, f"{base}/{name}")
    assert not list(target.rglob("cpython")) and not list(target.rglob("testing"))
    module = FRONT.get(Path(name).stem[len("package-") :], "umqtt2")
    publish(target, broker, observer, module=module)
    if name != "package-core.json":
        publish(target, broker, observer, tls=True, module=module)
    if name == "package-compat.json":
        publish(target, broker, observer, module="umqtt.simple2")


class Folder:
    """What mpremote's mip asks of a board, with a folder in the place of one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.transport = self

    def did_action(self) -> None:
        pass

    def ensure_raw_repl(self) -> None:
        pass

    def fs_exists(self, path: str) -> bool:
        return (self.root / path).exists()

    def fs_mkdir(self, path: str) -> None:
        (self.root / path).mkdir()

    def fs_writefile(self, path: str, data: bytes, progress_callback: object = None) -> None:
        (self.root / path).write_bytes(data)


def mpremote_mip(root: Path, package: str) -> Path:
    """Install a package with mpremote into the folder that stands for a board."""
    root.mkdir()
    arguments = Namespace(command=["install"], packages=[package], index=None, target="lib", mpy=None)
    do_mip(Folder(root), arguments)
    return root / "lib"


def is_installed(target: Path, manifest: str) -> bool:
    """Whether just the files of a manifest are there."""
    there = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    return there == {path for path, _ in packages.content(manifest)["urls"]}


@pytest.mark.parametrize("name", packages.PACKAGES)
def test_the_committed_package_files(name: str, tmp_path: Path, serve: Callable[[Path], str]) -> None:
    """With relative addresses: mpremote, and a board's mip since 0.4."""
    for number, place in enumerate([str(REPO), serve(REPO)]):
        target = mpremote_mip(tmp_path / str(number), f"{place}/{name}")
        assert is_installed(target, packages.PACKAGES[name])


@pytest.mark.parametrize("profile", PROFILES)
def test_build_without_a_server(
    profile: str, tmp_path: Path, broker: Mosquitto, observer: Observer
) -> None:
    name = packages.add(profile, build(profile), tmp_path / "index")
    target = mpremote_mip(tmp_path / "board", f"{tmp_path}/index/{name}.json")
    publish(target, broker, observer, module=FRONT.get(profile, "umqtt2"))


def test_make_device_ends_with_the_next_commands() -> None:
    folder = build("core").relative_to(REPO)
    command = [sys.executable, "-m", "tools.packages", "core"]
    said = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True).stdout
    assert f"mpremote cp -r {folder}/umqtt2 :/lib/\n" in said
    assert "Delete the board's /lib/umqtt2 first" in said
