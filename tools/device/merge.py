"""Merge modules of the package into one, those below first, without what CPython or a type checker alone needs.

`from .start import leave` goes, as `leave` stands in the same module now. Where two modules define one name, it gets
the module's added: `MQTTClient_robust`. What a build does not have raises ImportError where it is imported.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from tools.device import walk

PACKAGE = "umqtt2"
TAG = "from_module"
CHECKING = "TYPE_CHECKING"


def module_of(statement: ast.stmt) -> str:
    """Return the name of the module that a statement of a merged one comes from."""
    return str(getattr(statement, TAG, ""))


def tag(statement: ast.stmt, module: str) -> ast.stmt:
    """Say of a statement, and all within it, which module it comes from; return it."""
    for part in ast.walk(statement):  # also those that a condition hides
        if isinstance(part, ast.stmt):
            setattr(part, TAG, module)
    return statement


class Unmergeable(Exception):
    """The sources do something that cannot be merged; the text says what and where."""


def merge(
    root: Path, parts: tuple[str, ...], apart: tuple[str, ...] = (), front: frozenset[str] = frozenset()
) -> ast.Module:
    """Return one module with all of `parts` and what they import of the package.

    root   the package's folder
    parts  module names in it, such as "transport.tcp"
    apart  those of them that will be cut off again: to import them stays an import
    front  names that each of `parts` keeps, also where several define them
    """
    names = order(root, parts)
    body: list[ast.stmt] = []
    trees = {name: _parse(root, name) for name in names}
    defined = {name: walk.bound(tree) for name, tree in trees.items()}
    counts = Counter(n for there in defined.values() for n in there if n != CHECKING)
    twice = {n for n, count in counts.items() if count > 1}
    for name, tree in trees.items():
        new = _new_names(name, tree, defined, twice)
        Device(name, names, apart).visit(tree)
        walk.Replaced(new).visit(tree)
        walk.drop(tree)
        if name in parts:
            # What a program imports from this module keeps its name there.
            for old in sorted(twice & defined[name] & front):
                tree.body += ast.parse(f"{old} = {new[old]}").body
        body += [tag(statement, name) for statement in tree.body]
    module = ast.fix_missing_locations(ast.Module(body, []))
    _check_locals(module)
    return module


def _new_names(
    module: str, tree: ast.Module, defined: dict[str, set[str]], twice: set[str]
) -> dict[str, str]:
    # What the names in a module are called in the merged one.
    def unique(owner: str, name: str) -> str:
        if name not in twice or name not in defined.get(owner, ()):
            return name
        added = "_" + owner.replace(".", "_")
        return name + (added.upper() if name.isupper() else added)

    new = {name: unique(module, name) for name in defined[module]}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            owner = _target(module, node)
            new.update({alias.asname or alias.name: unique(owner, alias.name) for alias in node.names})
    return {old: name for old, name in new.items() if old != name}


def order(root: Path, parts: tuple[str, ...]) -> list[str]:
    """Return the names of `parts` and of the modules that they import, those below first."""
    found: list[str] = []

    def visit(name: str) -> None:
        if name not in found:
            for node in _parse(root, name).body:
                if isinstance(node, ast.ImportFrom) and node.level:
                    visit(_target(name, node))
            found.append(name)

    for part in parts:
        visit(part)
    return found


def _check_locals(module: ast.Module) -> None:
    # The later steps tell names apart by how they are written.
    top = walk.bound(module)
    for function in walk.functions(module):
        for name in walk.stored(function) & top:
            raise Unmergeable(f"{function.name}: the variable {name} is also a name at the top")


def _parse(root: Path, name: str) -> ast.Module:
    return ast.parse((root / (name.replace(".", "/") + ".py")).read_text(), name)


def _target(module: str, node: ast.ImportFrom) -> str:
    parts = module.split(".")
    return ".".join(parts[: len(parts) - node.level] + (node.module or "").split("."))


class Device(ast.NodeTransformer):
    """Leave out what only CPython or a type checker uses, and resolve the package's own imports."""

    def __init__(self, module: str, order: list[str], apart: tuple[str, ...]) -> None:
        self.module = module
        self.order = order
        self.apart = apart
        self.inside = 0  # how many functions deep

    def visit_Try(self, node: ast.Try) -> object:
        self.generic_visit(node)
        return node.handlers[0].body if node.body and _is_missing(node.body[0]) else node

    def visit_If(self, node: ast.If) -> object:
        self.generic_visit(node)
        return node.orelse if walk.is_name(node.test, CHECKING) else node

    def visit_Assign(self, node: ast.Assign) -> object:
        return None if walk.is_name(node.targets[0], CHECKING) else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> object:
        return node.value and self.visit_Assign(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_Expr(self, node: ast.Expr) -> object:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        # As a byte order all is "big" to MicroPython that is not "little", and None is no name.
        return ast.Constant(None) if node.value == "big" else node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        # `except:` needs a word less in the frame of a call: `step` has none to spare, see LEAN in `inline`.
        if walk.is_name(node.type, "BaseException") and not node.name:
            node.type = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> object:
        self.inside += 1
        node.returns = None
        a = node.args
        if not a.vararg and None not in a.kw_defaults:
            # Arguments that are given by name may be given by position, too: a dict less for each function.
            a.args += a.kwonlyargs
            a.defaults += [default for default in a.kw_defaults if default]
            a.kwonlyargs, a.kw_defaults = [], []
        self.generic_visit(node)
        self.inside -= 1
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> object:
        # MicroPython's coroutines are generators, and the later steps need not know of both.
        return self.visit_FunctionDef(ast.copy_location(ast.FunctionDef(**dict(ast.iter_fields(node))), node))

    def visit_Await(self, node: ast.Await) -> object:
        return self.generic_visit(ast.copy_location(ast.YieldFrom(node.value), node))

    def visit_ClassDef(self, node: ast.ClassDef) -> object:
        self.generic_visit(node)
        # Of a method that needs a module which the build has not nothing is left.
        node.body = [s for s in node.body if not (isinstance(s, ast.FunctionDef) and s.body and _is_missing(s.body[0]))]
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> object:
        if not node.level:
            return node
        target = _target(self.module, node)
        if target in self.apart and self.inside:
            if "." in self.module:  # its file may be in another folder
                return ast.ImportFrom(f"{PACKAGE}.{target}", node.names, 0)
            return ast.ImportFrom(target, node.names, 1)
        if target in self.order:
            return None
        text = f"this build of {PACKAGE} has no {target}"
        return ast.parse(f"raise ImportError({text!r})").body[0]


def _is_missing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Raise) and walk.called(statement.exc) == "ImportError"
