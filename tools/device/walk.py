"""What the steps have in common: what a module has, where its names stand, and how other names take their place.

A key is a name of a variable, a function or a class, or a dot and the name of an attribute or a method.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Union

Owner = Union[ast.Module, ast.ClassDef]
LEAVES = (ast.Raise, ast.Return, ast.Continue, ast.Break)


def classes(module: ast.Module) -> dict[str, ast.ClassDef]:
    """The classes at the top, by name."""
    return {s.name: s for s in module.body if isinstance(s, ast.ClassDef)}


def methods(owner: Owner) -> list[ast.FunctionDef]:
    """The methods of a class, or the functions at the top of a module."""
    return [s for s in owner.body if isinstance(s, ast.FunctionDef)]


def owners(module: ast.Module) -> list[Owner]:
    """The module and its classes."""
    return [module, *classes(module).values()]


def owned(module: ast.Module) -> list[tuple[Owner, ast.FunctionDef]]:
    """The functions at the top and then the methods, each with the module or the class that it stands in."""
    return [(owner, function) for owner in owners(module) for function in methods(owner)]


def functions(root: ast.AST) -> list[ast.FunctionDef]:
    """All functions, wherever they stand."""
    return [node for node in ast.walk(root) if isinstance(node, ast.FunctionDef)]


def assigned(statement: ast.stmt) -> list[str]:
    """The names that a statement assigns to, if it does nothing else; in the body of a class these are attributes."""
    return [t.id for t in statement.targets if isinstance(t, ast.Name)] if isinstance(statement, ast.Assign) else []


def bound(owner: Owner) -> set[str]:
    """The names of the functions, classes and values in a module's or a class's body."""
    found = {s.name for s in owner.body if isinstance(s, (ast.FunctionDef, ast.ClassDef))}
    return found.union(*map(assigned, owner.body))


def members(owner: ast.ClassDef) -> set[str]:
    """The names of what a class has: of its body, and attributes of `self`."""
    return bound(owner).union(n.attr for n in attributes(owner) if is_name(n.value, "self")) - {"__init__"}


def names(root: ast.AST, context: type = ast.expr_context) -> set[str]:
    """The names that stand alone; `context` is ast.Load or ast.Store, default: both."""
    return {n.id for n in ast.walk(root) if isinstance(n, ast.Name) and isinstance(n.ctx, context)}


def stored(root: ast.AST) -> set[str]:
    """The variables that get a value."""
    return names(root, ast.Store)


def attributes(root: ast.AST, context: type = ast.expr_context) -> list[ast.Attribute]:
    """The places where an attribute stands; `context` as for `names`."""
    return [n for n in ast.walk(root) if isinstance(n, ast.Attribute) and isinstance(n.ctx, context)]


def references(root: ast.AST) -> Counter[str]:
    """How often each key is read."""
    return Counter(["." + n.attr for n in attributes(root, ast.Load)]) + Counter(
        n.id for n in ast.walk(root) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    )


def imported(root: ast.AST) -> set[str]:
    """The names that imports give."""
    return {a.asname or a.name for a in ast.walk(root) if isinstance(a, ast.alias)}


def variables(root: ast.AST) -> set[str]:
    """The variables of a function, its arguments and what it imports."""
    nodes = list(ast.walk(root))
    others = {n.arg if isinstance(n, ast.arg) else n.name for n in nodes if isinstance(n, (ast.arg, ast.ExceptHandler))}
    return stored(root) | imported(root) | {name for name in others if name}


def is_generator(root: ast.AST) -> bool:
    """Whether a function is a generator."""
    return any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in ast.walk(root))


def calls(root: ast.AST) -> bool:
    """Whether it calls anything, or is a generator."""
    return any(isinstance(n, ast.Call) for n in ast.walk(root)) or is_generator(root)


def is_name(node: ast.AST | None, *wanted: str) -> bool:
    """Whether it is one of these names, standing alone."""
    return isinstance(node, ast.Name) and node.id in wanted


def holder(node: ast.AST) -> str:
    """The name of an attribute or a variable, which says what it holds; "" for all else."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def called(node: ast.AST | None) -> str:
    """The key of what a call calls; "" for all else."""
    func = node.func if isinstance(node, ast.Call) else None
    if isinstance(func, ast.Attribute):
        return "." + func.attr
    return func.id if isinstance(func, ast.Name) else ""


def blocks(root: ast.AST) -> Iterator[list[ast.stmt]]:
    """All lists of statements within; a list may be changed when it comes."""
    for field in ("body", "orelse", "finalbody", "handlers"):
        block = getattr(root, field, None)
        if isinstance(block, list):
            if field != "handlers":
                yield block
            for part in block:
                yield from blocks(part)


def without_argument(function: ast.FunctionDef, name: str) -> None:
    """Take an argument from a function, where it has one of that name."""
    a = function.args
    for i, arg in enumerate(a.args):
        if arg.arg == name:
            default = i - (len(a.args) - len(a.defaults))
            if default >= 0:
                del a.defaults[default]
            del a.args[i]
            return


def drop(root: ast.AST, gone: Callable[[ast.stmt], bool] = lambda s: False) -> None:
    """Leave out statements, also what follows a `return` or the like, and each `pass` that nothing needs."""
    for block in blocks(root):
        block[:] = [s for s in block if not isinstance(s, ast.Pass) and not gone(s)]
        del block[next((i for i, s in enumerate(block, 1) if isinstance(s, LEAVES)), len(block)) :]
    for node in ast.walk(root):
        if getattr(node, "body", None) == [] and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]  # type: ignore[attr-defined]


class Replaced(ast.NodeTransformer):
    """Has other names in the place of names, and other names or expressions where these are only read.

    new  what stands there instead, by key
    """

    def __init__(self, new: Mapping[str, str | ast.expr]) -> None:
        self.new = new
        self._dot = ""  # what is bound in the body of a class is an attribute

    def _name(self, name: str) -> str:
        new = self.new.get(name)
        return new if isinstance(new, str) else name

    def visit_Name(self, node: ast.Name) -> ast.expr:
        stored = isinstance(node.ctx, ast.Store)
        new = self.new.get(self._dot + node.id if stored else node.id)
        if isinstance(new, ast.expr):
            return node if stored else copy.deepcopy(new)
        node.id = new or node.id
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        new = self.new.get("." + node.attr)
        if isinstance(new, ast.expr):
            return copy.deepcopy(new) if isinstance(node.ctx, ast.Load) else node
        node.attr = new or node.attr
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self._name(node.arg)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        node.name = node.name and self._name(node.name)
        return self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> ast.alias:
        name = node.asname or node.name
        if self._name(name) != name:
            node.asname = self._name(name)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._scope(node, "")

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._scope(node, ".")

    def _scope(self, node: ast.FunctionDef | ast.ClassDef, dot: str) -> ast.AST:
        node.name = self._name(self._dot + node.name).lstrip(".")
        outside, self._dot = self._dot, dot
        self.generic_visit(node)
        self._dot = outside
        return node


def share(function: ast.FunctionDef, shared: str = "") -> None:
    """Leave out variables that are copies of an argument, where neither changes, and those that get again what another
    variable has.

    shared  an expression that always gives the same
    """
    new = _copies(function, shared)
    if new:
        drop(function, lambda s: not new.keys().isdisjoint(assigned(s)))
        for statement in function.body:
            Replaced(new).visit(statement)
        share(function, shared)


def _copies(function: ast.FunctionDef, shared: str) -> dict[str, str]:
    # What to write in the place of each variable that is such a copy.
    stores = Counter(n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    stores.update(n.name for n in ast.walk(function) if isinstance(n, ast.ExceptHandler) and n.name)
    arguments = {a.arg for a in function.args.args}
    plain = [
        (s.targets[0].id, s.value)
        for block in blocks(function)
        for s in block
        if isinstance(s, ast.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], ast.Name)
    ]
    top = [s for s in function.body if isinstance(s, ast.Assign) and ast.unparse(s.value) == shared]
    first = next((name for s in top for name in assigned(s)), "")
    new: dict[str, str] = {}
    for name, value in plain:
        if stores[name] == 1 and name not in arguments:
            if isinstance(value, ast.Name) and value.id in arguments - set(stores):
                new[name] = value.id
            elif first not in ("", name) and ast.unparse(value) == shared:
                new[name] = first
    return new
