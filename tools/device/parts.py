"""Leave out what a profile does not have: other versions of MQTT, and parts that are switched off."""

from __future__ import annotations

import ast
import copy

from tools.device import walk
from tools.device.merge import TAG, module_of

VERSIONS = {"V311", "V5"}
BRANCHES = ("publish", "subscribe")
CONNECTION = "Connection"
SILENT = ("log", "check_free", "enter")  # methods that do nothing, where a build has none that overrides them
NEVER_READ = ("since", "busy", "in_callback", "raised", "late")  # attributes of the Connection
# Attributes that not all builds look at.
CONTRACT = (
    "chunks",
    "has_unsent",
    "streams",
    "keeps",
    "ping_sent",
    "five",
    "disconnect_packet",
    "closed_error",
    "unanswered",
    "opener",
)


def versions(module: ast.Module, only: str = "") -> None:
    """Make `packets.publish(...)` call the `publish(...)` of MQTT 3.1.1. Where the build has no other version, nobody
    can inject one then; where it has, `packets` is None for MQTT 3.1.1, and what calls it asks for that.

    only  the class of another version that the build has in the place of MQTT 3.1.1
    """
    found = {name: owner for name, owner in walk.classes(module).items() if name in VERSIONS}
    plain = found["V311"]
    if only:
        module.body.remove(plain)
        _Only(only, _functions_of(module, found[only])).visit(module)
        return
    functions = {
        s.targets[0].id: s.value.args[0] if isinstance(s.value, ast.Call) else s.value  # type: ignore[attr-defined]
        for s in plain.body
        if isinstance(s, ast.Assign)
    }
    module.body.remove(plain)
    (_Direct if len(found) == 1 else _Either)(functions).visit(module)


def _functions_of(module: ast.Module, owner: ast.ClassDef) -> dict[str, ast.expr]:
    # Make functions of the methods of a class that need no object of it; return their names by those of the methods.
    functions: dict[str, ast.expr] = {}
    for method in walk.methods(owner):
        used = {n.id for s in method.body for n in ast.walk(s) if isinstance(n, ast.Name)}
        if "self" not in used and not method.name.startswith("_"):
            owner.body.remove(method)
            functions[method.name] = ast.Name(f"{owner.name.lower()}_{method.name}", ast.Load())
            method.name = f"{owner.name.lower()}_{method.name}"
            del method.args.args[0]
            module.body.insert(module.body.index(owner), method)
            setattr(method, TAG, module_of(owner))
    return functions


class _Versions(ast.NodeTransformer):
    """MQTT 3.1.1 is None."""

    def __init__(self, functions: dict[str, ast.expr]) -> None:
        self.functions = functions

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(None) if node.id == "V311" else node


class _Only(_Versions):
    """A client without `packets` gets an object of the only version."""

    def __init__(self, name: str, functions: dict[str, ast.expr]) -> None:
        super().__init__(functions)
        self.name = name

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if _is_packets(node.value):
            if node.attr == "five":
                return ast.Constant(True)
            return copy.deepcopy(self.functions.get(node.attr, node))
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "Connection":
            new = ast.Call(ast.Name(self.name, ast.Load()), [], [])
            node.args = [ast.BoolOp(ast.Or(), [a, new]) if _is_packets(a) else a for a in node.args]
        return node


class _Either(_Versions):
    """Where both versions are, one of MQTT 5 is an object, and MQTT 3.1.1 is None."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if not _is_packets(node.value):
            return node
        if node.attr == "five":
            return node.value
        if node.attr not in self.functions:
            return node
        return ast.IfExp(copy.deepcopy(node.value), node, copy.deepcopy(self.functions[node.attr]))

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        # What every message passes is a statement of its own, so that the function can be put there.
        function = node.value.func if isinstance(node.value, ast.Call) else None
        if not isinstance(function, ast.Attribute) or not _is_packets(function.value) or function.attr not in BRANCHES:
            return self.generic_visit(node)
        direct = copy.deepcopy(node)
        direct.value.func = copy.deepcopy(self.functions[function.attr])  # type: ignore[attr-defined]
        return ast.If(copy.deepcopy(function.value), [node], [direct])


class _Direct(ast.NodeTransformer):
    def __init__(self, functions: dict[str, ast.expr]) -> None:
        self.functions = functions

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if _is_packets(node.value):
            # What only MQTT 5 has is never reached.
            return copy.deepcopy(self.functions.get(node.attr, ast.Constant(None)))
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        return None if _is_packets(node.targets[0]) else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.args = [a for a in node.args if not _is_packets(a)]
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        without_argument(node, "packets")
        return self.generic_visit(node)


def _is_packets(node: ast.AST) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "packets") or (
        isinstance(node, ast.Name) and node.id == "packets"
    )


def without_argument(function: ast.FunctionDef, name: str) -> None:
    """Take an argument from a function, where it has one of that name."""
    a = function.args
    for i, arg in enumerate(a.kwonlyargs):
        if arg.arg == name:
            del a.kwonlyargs[i], a.kw_defaults[i]
            return
    for i, arg in enumerate(a.args):
        if arg.arg == name:
            default = i - (len(a.args) - len(a.defaults))
            del a.args[i]
            if default >= 0:
                del a.defaults[default]
            return


def switch_off(module: ast.Module, names: tuple[str, ...]) -> None:
    """Make constants with these names False."""
    for statement in module.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            if statement.targets[0].id in names:
                statement.value = ast.Constant(False)


def fold(module: ast.Module) -> None:
    """Leave out what a constant condition never reaches."""
    _Fold().visit(module)
    for node in ast.walk(module):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                for i, statement in enumerate(block):
                    if isinstance(statement, (ast.Raise, ast.Return, ast.Continue, ast.Break)):
                        del block[i + 1 :]
                        break
                if field == "body" and not block:
                    block.append(ast.Pass())


def copies(module: ast.Module) -> None:
    """Leave out variables of a function that nothing reads, and those that are known: a constant, or the same
    attribute as another one's, which only `__init__` sets."""
    changing = {
        node.attr
        for function in walk.functions(module)
        if function.name != "__init__"
        for node in walk.stored_attributes(function)
    }
    for function in walk.functions(module):
        stored = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        stored += [n.arg for n in ast.walk(function) if isinstance(n, ast.arg)]
        read = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        known: dict[str, ast.expr] = {}
        attributes: dict[str, ast.expr] = {}  # what an attribute of `self` is called here, from this statement on
        for statement in function.body:
            for node in ast.walk(statement):
                name, value = _only_value(node, stored)
                if isinstance(value, ast.Constant) or (value and name not in read):
                    known[name] = value
                elif isinstance(value, ast.Attribute) and value.attr in attributes:
                    known[name] = attributes[value.attr]
            name, value = _only_value(statement, stored)
            if isinstance(value, ast.Attribute) and value.attr not in changing and function.name != "__init__":
                attributes.setdefault(value.attr, ast.Name(name, ast.Load()))
        _Without(known).visit(function)
    fold(module)


def _only_value(node: ast.AST, stored: list[str]) -> tuple[str, ast.expr | None]:
    # The variable and what is assigned to it, where that is the only value that it has: a constant, or an attribute
    # of an only `self`.
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Name) and stored.count(target.id) == 1:
            if isinstance(value, ast.Constant) or (
                isinstance(value, ast.Attribute)
                and isinstance(value.value, ast.Name)
                and value.value.id == "self"
                and stored.count("self") == 1
            ):
                return target.id, value
    return "", None


class _Without(ast.NodeTransformer):
    """Put what is known in the place of variables."""

    def __init__(self, known: dict[str, ast.expr]) -> None:
        self.known = known

    def visit_Assign(self, node: ast.Assign) -> object:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self.known:
            return []
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.known.get(node.id, node))


def positional(module: ast.Module) -> None:
    """Let arguments that are given by name be given by position, too: a dict less for each function."""
    for function in walk.functions(module):
        a = function.args
        if not a.vararg and None not in a.kw_defaults:
            a.args += a.kwonlyargs
            a.defaults += [default for default in a.kw_defaults if default]
            a.kwonlyargs, a.kw_defaults = [], []


class _Fold(ast.NodeTransformer):
    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        stops = isinstance(node.op, ast.Or)
        values: list[ast.expr] = []
        for value in node.values:
            if isinstance(value, ast.Constant) and isinstance(value.value, bool):
                if value.value is stops:
                    values.append(value)
                    break
            else:
                values.append(value)
        if not values:
            return ast.Constant(not stops)
        if isinstance(values[0], ast.Constant) and values[0].value is stops:
            return values[0]
        return values[0] if len(values) == 1 else ast.BoolOp(node.op, values)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        value = node.operand
        if isinstance(node.op, ast.Not) and isinstance(value, ast.Constant) and isinstance(value.value, bool):
            return ast.Constant(not value.value)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant) and isinstance(node.test.value, bool):
            return node.body if node.test.value else node.orelse
        return node

    def visit_If(self, node: ast.If) -> object:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node


def unused_arguments(module: ast.Module, names: tuple[str, ...]) -> None:
    """Take arguments with these names from functions that do not use them."""
    for function in walk.functions(module):
        used = {n.id for s in function.body for n in ast.walk(s) if isinstance(n, ast.Name)}
        for name in names:
            if name not in used:
                without_argument(function, name)


def empty_methods(module: ast.Module) -> None:
    """Leave out calls of methods that do nothing, and what is tried then, when nothing is left to try."""
    functions = [function for function in walk.functions(module) if function.name in SILENT]
    busy = {s.name for s in functions if not _is_silent(s)}
    _Silent({s.name for s in functions} - busy).visit(module)


class _Silent(ast.NodeTransformer):
    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_Expr(self, node: ast.Expr) -> object:
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in self.names:
            return ast.Pass()
        return node

    def visit_If(self, node: ast.If) -> object:
        self.generic_visit(node)
        if _does_something(node.body + node.orelse):
            return node
        # What is asked may do something.
        asks = any(isinstance(n, (ast.Call, ast.Yield, ast.YieldFrom)) for n in ast.walk(node.test))
        return ast.Expr(node.test) if asks else ast.Pass()

    def visit_Try(self, node: ast.Try) -> object:
        self.generic_visit(node)
        return node if _does_something(node.body) else node.orelse + node.finalbody or ast.Pass()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> object:
        self.generic_visit(node)
        for part in ast.walk(node):
            for field in ("body", "orelse", "finalbody"):
                block = getattr(part, field, None)
                if isinstance(block, list) and len(block) > 1:
                    block[:] = [s for s in block if not isinstance(s, ast.Pass)] or [ast.Pass()]
        return node


def _is_silent(function: ast.FunctionDef) -> bool:
    return function.name in SILENT and len(function.body) == 1 and isinstance(function.body[0], ast.Pass)


def _does_something(body: list[ast.stmt]) -> bool:
    return any(not isinstance(s, ast.Pass) for s in body)


def unused_methods(module: ast.Module, internal: frozenset[str], hidden: bool = False) -> None:
    """Leave out methods that nothing in the build calls and no program may: private ones, those in `internal`, and
    what session stores have for other builds.

    hidden  no program has the Connection: of its methods all may go, and only what is called on it counts as a call
    """
    silent = {function.name for function in walk.functions(module) if _is_silent(function)}
    while True:
        loads = [n for n in ast.walk(module) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)]
        read = {n.attr for n in loads}
        of_connections = {n.attr for n in loads if _may_be_connection(n.value)}
        found = [
            (owner, s)
            for owner in walk.classes(module).values()
            for s in walk.methods(owner)
            if s.name not in (of_connections if hidden and owner.name == CONNECTION else read)
            and not s.name.startswith("__")
            and (
                s.name.startswith("_")
                or s.name in internal
                or s.name in silent
                or owner.name == "PacketIdSession"
                or (hidden and owner.name == CONNECTION)
            )
        ]
        if not found:
            return
        for owner, statement in found:
            owner.body.remove(statement)


def _may_be_connection(node: ast.expr) -> bool:
    # Variables and attributes with one have that name everywhere in the package.
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in ("self", CONNECTION.lower())


def unused_attributes(module: ast.Module) -> None:
    """Leave out values in the bodies of classes, and assignments to attributes, that nothing reads; only of
    those whose value is a constant, and whose names begin with _ or are `chunks`."""
    read = {n.attr for n in ast.walk(module) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)}
    for owner in walk.classes(module).values():
        owner.body = [s for s in owner.body if not _unread(s, read)] or [ast.Pass()]
    _Unread(read).visit(module)


class _Unread(ast.NodeTransformer):
    """Leave out `self._x = ...` where nothing reads `_x`."""

    def __init__(self, read: set[str]) -> None:
        self.read = read

    def visit_Assign(self, node: ast.Assign) -> object:
        node.targets = [t for t in node.targets if not self._unread(t)]
        if node.targets:
            return node
        return [] if isinstance(node.value, (ast.Constant, ast.Name)) else ast.Expr(node.value)

    def _unread(self, target: ast.expr) -> bool:
        return (
            isinstance(target, ast.Attribute)
            and target.attr not in self.read
            and (target.attr.startswith("_") or target.attr in NEVER_READ)
        )

    def visit_Try(self, node: ast.Try) -> object:
        self.generic_visit(node)
        for handler in node.handlers:
            handler.body = handler.body or [ast.Pass()]
        return node if node.handlers or node.finalbody else node.body


def _unread(statement: ast.stmt, read: set[str]) -> bool:
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Constant):
        return False
    target = statement.targets[0]
    if not isinstance(target, ast.Name):
        return False
    return target.id not in read and (target.id.startswith("_") or target.id in CONTRACT + NEVER_READ)


def missing(module: ast.Module) -> None:
    """Leave out methods of which all that they do needs a module that the build does not have, and settle which
    way `try: from .a import b`, `except ImportError:` goes."""
    for owner in walk.classes(module).values():
        owner.body = [s for s in owner.body if not (isinstance(s, ast.FunctionDef) and _is_missing(s.body))]
    _Settle().visit(module)


def _is_missing(body: list[ast.stmt]) -> bool:
    first = body[0]
    return (
        isinstance(first, ast.Raise)
        and isinstance(first.exc, ast.Call)
        and isinstance(first.exc.func, ast.Name)
        and first.exc.func.id == "ImportError"
    )


class _Settle(ast.NodeTransformer):
    def visit_Try(self, node: ast.Try) -> object:
        self.generic_visit(node)
        caught = node.handlers and node.handlers[0].type
        if isinstance(caught, ast.Name) and caught.id == "ImportError" and node.body and _is_missing(node.body):
            return node.handlers[0].body
        return node
