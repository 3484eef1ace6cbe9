"""Manifests and package files name the files that exist: each one, and each where it belongs."""

from __future__ import annotations

import ast
import json
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

from tools.device import PROFILES
from tools.packages import MANIFESTS as FOLDER
from tools.packages import PACKAGES, Manifest, content
from tools.paths import REPO
from umqtt2 import __version__

NOT_ON_A_DEVICE = ("__main__.py", "cli", "cpython", "testing")
MANIFESTS = {path.parent.name: Manifest(path.parent) for path in FOLDER.glob("*/manifest.py")}


def on_a_device() -> dict[str, Path]:
    """Every file that may go to a device, by its path there."""
    found = {}
    for root, folder in ((REPO, "umqtt2"), (REPO / "compat", "umqtt")):
        for path in (root / folder).rglob("*.py"):
            inside = path.relative_to(root)
            if inside.parts[1] not in NOT_ON_A_DEVICE:
                found[inside.as_posix()] = path
    return found


def module(path: str) -> str:
    """The name of the module that a file is."""
    return path[: -len(".py")].replace("/", ".").removesuffix(".__init__")


def imports(name: str, sources: dict[str, Path]) -> set[str]:
    """Modules of the package that a module imports when it is imported itself."""
    found = {name.rpartition(".")[0]} & set(sources) - {"umqtt2"}
    inside = sources[name].name == "__init__.py"
    for node in ast.parse(sources[name].read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            parts = name.split(".")
            base = parts[: len(parts) - node.level + inside]
            found |= {".".join([*base, *(node.module or "").split(".")])} & set(sources)
    return found


MODULES = {module(path): source for path, source in on_a_device().items()}


def test_each_file_is_in_one_component() -> None:
    named = [path for manifest in MANIFESTS.values() for path in manifest.own]
    assert sorted(named) == sorted(on_a_device())


def test_each_name_is_that_of_its_file() -> None:
    for manifest in MANIFESTS.values():
        for path, source in manifest.files.items():
            assert source == on_a_device()[path]


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_a_component_requires_what_it_imports(name: str) -> None:
    manifest = MANIFESTS[name]
    for path, source in manifest.own.items():
        needed = imports(module(path), MODULES)
        missing = needed - {module(other) for other in manifest.files}
        assert not missing, f"{source} imports {missing}"


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_is_the_same_frozen_and_built(profile: str) -> None:
    """The files of a profile are its parts, what these import, and the packages they are in."""
    found: set[str] = set()
    todo = ["umqtt2", *(f"umqtt2.{part}" for parts in PROFILES[profile].values() for part in parts)]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += imports(name, MODULES)
    assert {module(path) for path in MANIFESTS[f"umqtt2-{profile}"].files} == found


def test_full_is_everything_but_the_shim() -> None:
    everything = {path for path in on_a_device() if path.startswith("umqtt2/")}
    assert set(MANIFESTS["umqtt2-full"].files) == everything


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_versions(name: str) -> None:
    setup = ConfigParser()
    setup.read(REPO / "setup.cfg", encoding="utf-8")
    assert MANIFESTS[name].metadata["version"] == __version__ == setup["metadata"]["version"]
    assert MANIFESTS[name].metadata["license"] == setup["metadata"]["license"]


@pytest.mark.parametrize("name", PACKAGES)
def test_package_files_are_made_from_the_manifests(name: str) -> None:
    """Or, in short: `python -m tools.packages` was run."""
    written: dict[str, Any] = json.loads((REPO / name).read_text(encoding="utf-8"))
    target, source = written["urls"][0]
    # They may have been written with the address of the repository.
    base = source[: -len(target)].rstrip("/") if source.endswith(target) else ""
    assert written == content(PACKAGES[name], base)


def test_every_profile_has_a_package_file() -> None:
    assert {f"package-{profile}.json" for profile in PROFILES} < set(PACKAGES)
    assert sorted(path.name for path in REPO.glob("package*.json")) == sorted(PACKAGES)
