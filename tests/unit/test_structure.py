"""The package's own rules: who may know whom, and what a class may change of another module's."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import umqtt2

PACKAGE = Path(umqtt2.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text())
    for path in sorted(PACKAGE.rglob("*.py"))
}
# From the top down; what stands in one line knows nothing of the rest of it.
FLOORS = [
    ["__main__"],
    ["cli"],
    ["requests", "router", "wifi"],
    ["robust", "aio", "__init__", "testing"],
    ["servers"],
    ["client", "reconnect"],
    ["start", "v5"],
    ["streaming", "texts"],
    ["connection"],
    ["session"],
    ["transport", "packets"],
    ["constants", "errno", "properties", "cpython"],
]


def imports(name, tree):
    """The modules of the package that a module imports when it is loaded, but for types."""
    parts = name.split(".")
    for node in tree.body:
        for inner in [node, *getattr(node, "body", [])] if not isinstance(node, ast.If) else []:
            if isinstance(inner, ast.ImportFrom) and inner.level:
                base = parts[: len(parts) - inner.level] if name.split(".")[-1] != "__init__" else parts[: -inner.level]
                target = ".".join([*base, *(inner.module or "").split(".")]).strip(".")
                yield target or "__init__"


def floor(name):
    first = name.split(".")[0]
    return next(i for i, group in enumerate(FLOORS) if first in group)


@pytest.mark.parametrize("name", MODULES)
def test_arrows_point_down(name):
    for target in imports(name, MODULES[name]):
        same = target.split(".")[0] == name.split(".")[0]
        assert same or floor(target) > floor(name) or "cpython" in (target.split(".")[0], name.split(".")[0]), (
            f"{name} imports {target}"
        )


def classes():
    for module, tree in MODULES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                yield module, node


def private(owner):
    """Names with one _ that a class defines or sets."""
    found = {s.name for s in owner.body if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef))}
    for node in ast.walk(owner):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                found.add(node.attr)
    return {name for name in found if name.startswith("_") and not name.startswith("__")}


def base_of(module, owner):
    """The classes of other modules of the package that a class is made from."""
    names = {}
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.ImportFrom) and node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = alias.name
    for base in owner.bases:
        name = base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")
        for other, candidate in classes():
            if other != module and candidate.name == names.get(name) and _is_in(module, name, other):
                yield other, candidate


def _is_in(module, name, other):
    # Whether `name` in a module is imported from the other one.
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.ImportFrom) and any((a.asname or a.name) == name for a in node.names):
            return (node.module or "").split(".")[-1] == other.split(".")[-1]
    return False


@pytest.mark.parametrize(("module", "owner"), list(classes()), ids=lambda x: getattr(x, "name", x))
def test_no_class_overrides_private_names_of_another_module(module, owner):
    for other, base in base_of(module, owner):
        shared = private(owner) & private(base)
        assert not shared, f"{module}.{owner.name} overrides {', '.join(shared)} of {other}.{base.name}"


def test_the_rule_sees_an_override():
    # A test that cannot fail is none.
    base = ast.parse("class A:\n    def _x(self): pass").body[0]
    derived = ast.parse("class B(A):\n    def _x(self): pass\n    def y(self): self._z = 1").body[0]
    assert private(base) & private(derived) == {"_x"}


@pytest.mark.parametrize("name", MODULES)
def test_nobody_asks_what_a_session_can_do(name):
    if name.startswith("testing."):
        return  # suites for stores look at what a store has
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("hasattr", "getattr"):
            assert "session" not in ast.unparse(node.args[0]), f"{name}: {ast.unparse(node)}"
