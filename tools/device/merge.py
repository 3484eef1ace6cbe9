"""Merge modules of the package into one, in the order that their imports ask for."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

PACKAGE = "umqtt2"
NOT_ON_A_DEVICE = "cpython"


TAG = "from_module"


def module_of(statement: ast.stmt) -> str:
    """Return the name of the module that a statement of a merged one comes from."""
    return str(getattr(statement, TAG, ""))


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
    defined = {name: {n for s in tree.body for n in _names(s)} for name, tree in trees.items()}
    counts = Counter(n for there in defined.values() for n in there if n != "TYPE_CHECKING")
    twice = {n for n, count in counts.items() if count > 1}
    for name, tree in trees.items():
        new = _new_names(name, tree, defined, twice)
        tree = _Device(name, names, apart).visit(tree)
        _Rename(new).visit(tree)
        if name in parts:
            # What a program imports from this module keeps its name there.
            tree.body += [
                stmt for old in sorted(twice & defined[name]) if old in front
                for stmt in ast.parse(f"{old} = {new[old]}").body
            ]
        for statement in tree.body:
            for part in ast.walk(statement):  # also those that a condition hides
                if isinstance(part, ast.stmt):
                    setattr(part, TAG, name)
        body += tree.body
    _check_locals(body, {n for statement in body for n in _names(statement)})
    return ast.fix_missing_locations(ast.Module(_without_double_imports(body), []))


def _new_names(
    module: str, tree: ast.Module, defined: dict[str, set[str]], twice: set[str]
) -> dict[str, str]:
    # What the names in a module are called in the merged one. A name that several modules define gets
    # the module's added to it.
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
    for part in parts:
        _visit(root, part, found)
    return found


def _check_locals(body: list[ast.stmt], top: set[str]) -> None:
    # The later steps tell names apart by how they are written.
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.FunctionDef):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store) and inner.id in top:
                        raise Unmergeable(f"{node.name}: the variable {inner.id} is also a name at the top")


def _parse(root: Path, name: str) -> ast.Module:
    return ast.parse((root / (name.replace(".", "/") + ".py")).read_text(), name)


def _visit(root: Path, name: str, order: list[str]) -> None:
    if name in order:
        return
    for node in _parse(root, name).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            _visit(root, _target(name, node), order)
    order.append(name)


def _target(module: str, node: ast.ImportFrom) -> str:
    parts = module.split(".")
    return ".".join(parts[: len(parts) - node.level] + (node.module or "").split("."))


def _names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [t.id for t in statement.targets if isinstance(t, ast.Name)]
    return []


def _without_double_imports(body: list[ast.stmt]) -> list[ast.stmt]:
    seen: set[str] = set()
    out = []
    for statement in body:
        text = ast.unparse(statement)
        if not (isinstance(statement, (ast.Import, ast.ImportFrom)) and text in seen):
            out.append(statement)
        seen.add(text)
    return out


class _Rename(ast.NodeTransformer):
    """Give names at the top new ones, in a module that is stripped already."""

    def __init__(self, new: dict[str, str]) -> None:
        self.new = new
        self.inside = 0  # how many classes deep: what is assigned there are attributes

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not (self.inside and isinstance(node.ctx, ast.Store)):
            node.id = self.new.get(node.id, node.id)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if not self.inside:
            node.name = self.new.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self.new.get(node.name, node.name)
        self.inside += 1
        self.generic_visit(node)
        self.inside -= 1
        return node


class _Device(ast.NodeTransformer):
    """Leave out what only CPython or a type checker uses, and resolve the package's own imports."""

    def __init__(self, module: str, order: list[str], apart: tuple[str, ...]) -> None:
        self.module = module
        self.order = order
        self.apart = apart
        self.inside = 0  # how many functions deep

    def visit_Try(self, node: ast.Try) -> object:
        first = node.body[0]
        if isinstance(first, ast.ImportFrom) and first.level and NOT_ON_A_DEVICE in (first.module or ""):
            instead = [self.visit(statement) for statement in node.handlers[0].body]
            return [s for s in instead if not isinstance(s, ast.Pass)]
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> object:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return [self.visit(statement) for statement in node.orelse]
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> object:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id == "TYPE_CHECKING":
            return None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> object:
        if node.value is None:
            return None
        assign = ast.Assign([node.target], node.value)
        return self.generic_visit(ast.copy_location(assign, node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> object:
        self.inside += 1
        node.returns = None
        for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            arg.annotation = None
        for star in (node.args.vararg, node.args.kwarg):
            if star:
                star.annotation = None
        self._without_docstring(node)
        self.inside -= 1
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> object:
        # MicroPython's coroutines are generators, and the later steps need not know of both.
        args = {name: getattr(node, name) for name in ast.FunctionDef._fields if hasattr(node, name)}
        return self.visit_FunctionDef(ast.copy_location(ast.FunctionDef(**args), node))

    def visit_Await(self, node: ast.Await) -> object:
        return self.generic_visit(ast.copy_location(ast.YieldFrom(node.value), node))

    def visit_ClassDef(self, node: ast.ClassDef) -> object:
        return self._without_docstring(node)

    def visit_Module(self, node: ast.Module) -> object:
        return self._without_docstring(node)

    def _without_docstring(self, node: ast.FunctionDef | ast.ClassDef | ast.Module) -> object:
        if node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
            del node.body[0]
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
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
