"""Make one object of several that are always together.

A client has a connection, that has one client, and so on. In a build where that is all there is, the attributes and
methods of the parts can be the client's own: a class costs a board a hundred bytes, and so does the way to it.
"""

from __future__ import annotations

import ast
import copy

from tools.device import walk
from tools.device.merge import Unmergeable


def flatten(module: ast.Module, owner: str, parts: dict[str, str], back: tuple[str, ...] = ()) -> None:
    """Put classes into the one that has an instance of each.

    owner  name of that class
    parts  names of classes, by that of the attribute, or variable, that holds the instance
    back   attributes of them by which they know the owner
    """
    classes = walk.classes(module)
    target = classes[owner]
    for holder, name in parts.items():
        _tell_apart(module, classes, holder, name, parts)
    _Chains(parts, back).visit(module)
    for name in dict.fromkeys(parts.values()):
        part = classes[name]
        module.body.remove(part)
        for statement in part.body:
            if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
                statement.name = _maker(name)
            if isinstance(statement, ast.FunctionDef):
                statement.body = [s for s in statement.body if not _is_same(s)] or [ast.Pass()]
            if not isinstance(statement, ast.Pass):
                target.body.append(statement)
    for function in walk.functions(module):
        _without_aliases(function)
    ast.fix_missing_locations(module)


def mapping(module: ast.Module, owner: str, holder: str, name: str) -> None:
    """Put a kind of dict into the class that holds one in its attribute `holder`, which holds a plain dict then."""
    classes = walk.classes(module)
    part = classes[name]
    new = {member: f"_{holder}_{member.strip('_')}" for member in _members(part) - set(dir(dict))}
    _Held(holder, name, new).visit(module)
    for statement in part.body:
        if isinstance(statement, ast.FunctionDef):
            _OfDict(holder, new).visit(statement)
            statement.name = new[statement.name]
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            statement.targets[0].id = new[statement.targets[0].id]
    classes[owner].body += part.body
    module.body.remove(part)
    ast.fix_missing_locations(module)


class _Held(ast.NodeTransformer):
    """`self.received.mark(pid)` becomes `self._received_mark(pid)`, and `ReceivedIds()` a dict."""

    def __init__(self, holder: str, name: str, new: dict[str, str]) -> None:
        self.holder = holder
        self.name = name
        self.new = new

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        value = node.value
        if isinstance(value, ast.Attribute) and value.attr == self.holder and node.attr in self.new:
            return ast.Attribute(value.value, self.new[node.attr], node.ctx)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return ast.Dict([], []) if isinstance(node.func, ast.Name) and node.func.id == self.name else node


class _OfDict(ast.NodeTransformer):
    """In a method of the dict, `self` is the dict but where it stands before an attribute of the class's own."""

    def __init__(self, holder: str, new: dict[str, str]) -> None:
        self.holder = holder
        self.new = new

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "self" and node.attr in self.new:
            node.attr = self.new[node.attr]
            return node
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Attribute(node, self.holder, ast.Load()) if node.id == "self" else node


def constants(module: ast.Module, name: str, only: set[str] | None = None) -> None:
    """Put the values of attributes that a class has, and nothing ever changes, where they are looked at.

    only  of these attributes; default: of all
    """
    classes = walk.classes(module)
    owner = classes.pop(name)
    stored = {n.attr for n in walk.attributes(module, ast.Store)}
    others = {attr for other in classes.values() for attr in _members(other)}
    known = {
        s.targets[0].id: s
        for s in owner.body
        if isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name) and isinstance(s.value, ast.Constant)
    }
    known = {attr: s for attr, s in known.items() if attr not in stored | others and (only is None or attr in only)}
    _Put({attr: s.value for attr, s in known.items()}).visit(module)
    owner.body = [s for s in owner.body if s not in known.values()]


def callbacks(module: ast.Module, owner: str) -> None:
    """Call the methods of a class directly that it keeps in attributes, as callbacks, and never changes."""
    target = walk.classes(module)[owner]
    methods = {method.name for method in walk.methods(target)}
    stores = [
        s for s in ast.walk(module)
        if isinstance(s, ast.Assign) and any(isinstance(t, ast.Attribute) for t in s.targets)
    ]
    found: dict[str, tuple[ast.Assign, str]] = {}
    for s in stores:
        t, value = s.targets[0], s.value
        if len(s.targets) == 1 and isinstance(t, ast.Attribute) and isinstance(value, ast.Attribute):
            is_own = isinstance(value.value, ast.Name) and value.value.id == "self"
            times = sum(isinstance(o, ast.Attribute) and o.attr == t.attr for other in stores for o in other.targets)
            if is_own and value.attr in methods and times == 1:
                found[t.attr] = (s, value.attr)
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr in found:
            node.attr = found[node.attr][1]
        for block in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if isinstance(block, list):
                block[:] = [s for s in block if not any(s is gone for gone, _ in found.values())]
    target.body = [
        s for s in target.body
        if not (isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name) and s.targets[0].id in found)
    ]


def defaults(module: ast.Module, owner: str, names: tuple[str, ...]) -> None:
    """Give each object all its attributes when it is made. They take one piece of memory, which grows; later there
    may be no room for a larger one.

    names  variables that hold one
    """
    target = walk.classes(module)[owner]
    make = next(method for method in walk.methods(target) if method.name == "__init__")
    values: dict[str, ast.Assign] = {}
    given = {n.attr for n in walk.attributes(make, ast.Store)}

    def give(attr: str, value: ast.expr) -> None:
        assign = values.setdefault(ast.unparse(value), ast.Assign([], value))
        assign.targets.append(ast.Attribute(ast.Name("self", ast.Load()), attr, ast.Store()))
        given.add(attr)

    for statement in list(target.body):
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            target.body.remove(statement)
            for t in statement.targets:
                if isinstance(t, ast.Name) and t.id not in given:
                    give(t.id, statement.value)
    for function in [*walk.methods(target), *walk.methods(module)]:
        held = ("self",) if function in target.body else names
        for node in walk.attributes(function, ast.Store):
            if node.attr not in given and isinstance(node.value, ast.Name) and node.value.id in held:
                give(node.attr, ast.Constant(None))
    make.body[:0] = values.values()
    ast.fix_missing_locations(module)


class _Put(ast.NodeTransformer):
    def __init__(self, known: dict[str, ast.expr]) -> None:
        self.known = known

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return copy.deepcopy(self.known.get(node.attr, node)) if isinstance(node.ctx, ast.Load) else node


def _maker(name: str) -> str:
    return "_make_" + name.lower()


def _members(owner: ast.ClassDef) -> set[str]:
    found = walk.bound(owner)
    for node in ast.walk(owner):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            found.add(node.attr)
    return found - {"__init__"}


def _tell_apart(
    module: ast.Module, classes: dict[str, ast.ClassDef], holder: str, name: str, parts: dict[str, str]
) -> None:
    # What several classes have gets another name in this one.
    of_others: set[str] = set()
    for other in classes.values():
        if other.name != name:
            of_others |= _members(other)
    holders = {h for h, owner in parts.items() if owner == name}
    twice = {attr for attr in _members(classes[name]) & of_others if not attr.startswith("__") and attr not in parts}
    new = {attr: f"_{name.lower()}_{attr.strip('_')}" for attr in twice - SAME}
    for statement in module.body:
        inside = statement is classes[name]
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute) and node.attr in new and _is_held(node.value, holders, inside):
                node.attr = new[node.attr]
    for statement in classes[name].body:
        if isinstance(statement, ast.FunctionDef):
            statement.name = new.get(statement.name, statement.name)
        elif isinstance(statement, ast.Assign):
            for t in statement.targets:
                if isinstance(t, ast.Name):
                    t.id = new.get(t.id, t.id)


SAME = {"session"}  # attributes in which several have the same object


def _is_same(statement: ast.stmt) -> bool:
    # The owner has done that.
    return isinstance(statement, ast.Assign) and all(
        isinstance(t, ast.Attribute) and t.attr in SAME for t in statement.targets
    )


def _is_held(value: ast.expr, holders: set[str], inside: bool) -> bool:
    if isinstance(value, ast.Name):
        return value.id in holders or (inside and value.id == "self")
    return isinstance(value, ast.Attribute) and value.attr in holders


class _Chains(ast.NodeTransformer):
    """`self.connection.state` becomes `self.state`, and `self.connection = Connection(...)` a call."""

    def __init__(self, parts: dict[str, str], back: tuple[str, ...]) -> None:
        self.parts = parts
        self.ways = {*parts, *back}
        self.back = back

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return node.value if node.attr in self.ways else node

    def visit_Assign(self, node: ast.Assign) -> object:
        held = [t for t in node.targets if isinstance(t, ast.Attribute) and t.attr in self.ways]
        if not held:
            return self.generic_visit(node)
        if held[0].attr in self.back:
            return []
        if not isinstance(node.value, ast.Call) or not isinstance(node.value.func, ast.Name):
            raise Unmergeable(f"{ast.unparse(node)}: not made here")
        call = node.value
        made = self.parts[held[0].attr]
        arguments = [self.visit(argument) for argument in call.args]
        me = held[0].value
        out: list[ast.stmt] = [ast.Expr(ast.Call(ast.Attribute(me, _maker(made), ast.Load()), arguments, []))]
        for other in node.targets:
            if isinstance(other, ast.Name):
                out.append(ast.Assign([other], copy.deepcopy(me)))
        return out


def _without_aliases(function: ast.FunctionDef) -> None:
    # `connection = self` goes, with `self` in the place of `connection`.
    while True:
        stores: dict[str, list[ast.AST]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                stores.setdefault(node.id, []).append(node)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                stores.setdefault(node.name, []).append(node)
        arguments = {a.arg for a in function.args.args}
        found = None
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.value, ast.Name):
                new = node.targets[0]
                fixed = node.value.id in arguments and node.value.id not in stores
                if isinstance(new, ast.Name) and fixed and len(stores[new.id]) == 1 and new.id not in arguments:
                    found = (node, new.id, node.value.id)
                    break
        if not found:
            return
        _Alias(*found).visit(function)
        for node in ast.walk(function):
            if hasattr(node, "body") and isinstance(node.body, list) and not node.body:
                node.body = [ast.Pass()]


class _Alias(ast.NodeTransformer):
    def __init__(self, assignment: ast.Assign, old: str, new: str) -> None:
        self.assignment = assignment
        self.old = old
        self.new = new

    def visit_Assign(self, node: ast.Assign) -> object:
        return [] if node is self.assignment else self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id == self.old:
            node.id = self.new
        return node
