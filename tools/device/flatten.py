"""Make one object of several that are always together.

    self.connection.drain()   ->   self.drain()

A client has a connection, that has one client, and so on. In a build where that is all there is, the attributes and
methods of the parts can be the client's own: a class costs a board a hundred bytes, and so does the way to it.
"""

from __future__ import annotations

import ast

from tools.device import walk
from tools.device.merge import Unmergeable

SAME = {"session"}  # attributes in which several have the same object


def flatten(module: ast.Module, owner: str, parts: dict[str, str], back: tuple[str, ...] = ()) -> None:
    """Put classes into the one that has an instance of each.

    owner  name of that class
    parts  names of classes, by that of the attribute, or variable, that holds the instance
    back   attributes of them by which they know the owner
    """
    classes = walk.classes(module)
    for name in dict.fromkeys(parts.values()):
        _tell_apart(module, classes, name, parts)
    _Chains(parts, back).visit(module)
    for name in dict.fromkeys(parts.values()):
        # The owner has done what is the same.
        walk.drop(classes[name], _is_same)
        classes[owner].body += classes[name].body
        module.body.remove(classes[name])
    for function in walk.functions(module):
        walk.share(function)
    ast.fix_missing_locations(module)


def defaults(module: ast.Module, owner: str, names: tuple[str, ...]) -> None:
    """Give each object all its attributes when it is made. They take one piece of memory, which grows; later there
    may be no room for a larger one.

    names  variables that hold one
    """
    target = walk.classes(module)[owner]
    make = next(method for method in walk.methods(target) if method.name == "__init__")
    given = {n.attr for n in walk.attributes(make, ast.Store)}
    values: dict[str, list[str]] = {}  # attributes by the value that they begin with

    def give(attr: str, value: ast.expr) -> None:
        if attr not in given:
            values.setdefault(ast.unparse(value), []).append(f"self.{attr}")
            given.add(attr)

    for statement in list(target.body):
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            target.body.remove(statement)
            for attr in walk.assigned(statement):
                give(attr, statement.value)
    for place, function in walk.owned(module):
        if place in (target, module):
            for node in walk.attributes(function, ast.Store):
                if walk.is_name(node.value, "self") if place is target else walk.is_name(node.value, *names):
                    give(node.attr, ast.Constant(None))
    lines = [" = ".join([*attributes, value]) for value, attributes in values.items()]
    make.body[:0] = ast.parse("\n".join(lines)).body


def _is_same(s: ast.stmt) -> bool:
    return isinstance(s, ast.Assign) and all(isinstance(t, ast.Attribute) and t.attr in SAME for t in s.targets)


def _maker(name: str) -> str:
    return "_make_" + name.lower()


def _tell_apart(module: ast.Module, classes: dict[str, ast.ClassDef], name: str, parts: dict[str, str]) -> None:
    # What several classes have gets another name in this one.
    others = set().union(*(walk.members(other) for other in classes.values() if other.name != name))
    holders = {holder for holder, owner in parts.items() if owner == name}
    twice = {attr for attr in walk.members(classes[name]) & others - SAME - parts.keys() if not attr.startswith("__")}
    new = {attr: f"_{name.lower()}_{attr.strip('_')}" for attr in twice} | {"__init__": _maker(name)}
    for statement in module.body:
        here = holders | {"self"} if statement is classes[name] else holders
        for node in walk.attributes(statement):
            if walk.holder(node.value) in here:
                node.attr = new.get(node.attr, node.attr)
    for function in walk.methods(classes[name]):
        function.name = new.get(function.name, function.name)
    for target in (t for s in classes[name].body if isinstance(s, ast.Assign) for t in s.targets):
        if isinstance(target, ast.Name):
            target.id = new.get(target.id, target.id)


class _Chains(ast.NodeTransformer):
    """`self.connection.state` becomes `self.state`, and `self.connection = Connection(...)` a call."""

    def __init__(self, parts: dict[str, str], back: tuple[str, ...]) -> None:
        self.parts = parts
        self.back = back

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return node.value if node.attr in (*self.parts, *self.back) else node

    def visit_Assign(self, node: ast.Assign) -> object:
        target = node.targets[0]
        if not isinstance(target, ast.Attribute) or target.attr not in (*self.parts, *self.back):
            return self.generic_visit(node)
        if target.attr in self.back:
            return []
        if not isinstance(node.value, ast.Call) or len(node.targets) > 1:
            raise Unmergeable(f"{ast.unparse(node)}: not made here")
        self.generic_visit(node.value)
        node.value.func = ast.Attribute(target.value, _maker(self.parts[target.attr]), ast.Load())
        return ast.Expr(node.value)
