"""Give private names the names that every MicroPython has built in: they cost a board nothing."""

from __future__ import annotations

import ast
from collections import Counter

# Names that are part of the .mpy format itself; not `const`, which means something to the compiler.
FREE = (
    "append bool bytecode bytes callable chr classmethod clear copy count dict dir divmod end "
    "endswith eval exec extend find format from_bytes get getattr globals hash id index insert int isalpha "
    "isdigit islower isspace isupper items iter join key keys list little locals lower lstrip main map "
    "micropython object open ord pop popitem pow print range read remove replace repr reverse rfind rindex "
    "round rsplit rstrip set setattr setdefault sort sorted split start startswith staticmethod step stop "
    "str strip sum throw tuple type update upper value values zip abs all any args"
).split()

# The same, for arguments.
ARGUMENTS, FREE = FREE[-9:], FREE[:-9]


# Attributes that only the package itself uses, though their names do not say so: what the decoder
# leaves with the client.
INTERNAL = {"want", "pid", "code", "topic", "payload", "last"}

# Functions whose arguments a program may name: the client's, and these.
NAMED = ("TLSTransport.__init__",)


def rename(module: ast.Module, keep: frozenset[str]) -> None:
    """Rename what no program can see: functions, classes and attributes of the package's own, and the
    arguments of private functions. `keep` has names that stay."""
    _arguments(module, keep)
    taken = _names(module)
    counts: Counter[str] = Counter()
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            counts[node.id] += 1
        elif isinstance(node, ast.Attribute):
            counts["." + node.attr] += 1
    own = [name for name in _globals(module) if name not in keep]
    own += ["." + name for name in _attributes(module) if name not in keep]
    free = iter([name for name in FREE if name not in taken])
    new = {name: next(free) for name in sorted(own, key=lambda name: (-counts[name], name))}
    _Globals(new).visit(module)
    _Attributes(new).visit(module)


def _globals(module: ast.Module) -> set[str]:
    own = set()
    for statement in module.body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            own.add(statement.name)
        elif isinstance(statement, ast.Assign):
            own |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
    return own


def _attributes(module: ast.Module) -> set[str]:
    own = set()
    for statement in module.body:
        if isinstance(statement, ast.ClassDef):
            names = set(_members(statement))
            private = {name for name in names if name.startswith("_") or name in INTERNAL}
            own |= {name for name in private if not name.startswith("__")}
    return own


def _members(owner: ast.ClassDef) -> list[str]:
    names = []
    for statement in owner.body:
        if isinstance(statement, ast.FunctionDef):
            names.append(statement.name)
        elif isinstance(statement, ast.Assign):
            names += [t.id for t in statement.targets if isinstance(t, ast.Name)]
    for node in ast.walk(owner):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        ):
            names.append(node.attr)
    return names


def _names(module: ast.Module) -> set[str]:
    # Every name that means something already, so that no new one can be mistaken for it.
    out = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            out.add(node.id)
        elif isinstance(node, ast.Attribute):
            out.add(node.attr)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            out.add(node.name)
        elif isinstance(node, (ast.arg, ast.keyword)):
            out.add(node.arg or "")
        elif isinstance(node, ast.alias):
            out.add(node.asname or node.name)
    return out - set(ARGUMENTS)


class _Globals(ast.NodeTransformer):
    def __init__(self, new: dict[str, str]) -> None:
        self.new = new

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.new.get(node.id, node.id)
        return node

    def visit_Module(self, node: ast.Module) -> ast.AST:
        for statement in node.body:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                statement.name = self.new.get(statement.name, statement.name)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        # What is assigned here is an attribute.
        node.bases = [self.visit(base) for base in node.bases]
        for statement in node.body:
            if isinstance(statement, ast.Assign):
                statement.value = self.visit(statement.value)
            else:
                self.visit(statement)
        return node


class _Attributes(ast.NodeTransformer):
    def __init__(self, new: dict[str, str]) -> None:
        self.new = new

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        node.attr = self.new.get("." + node.attr, node.attr)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef):
                statement.name = self.new.get("." + statement.name, statement.name)
            elif isinstance(statement, ast.Assign):
                for target in statement.targets:
                    if isinstance(target, ast.Name):
                        target.id = self.new.get("." + target.id, target.id)
        return node


def _arguments(module: ast.Module, keep: frozenset[str]) -> None:
    named = {n.arg for n in ast.walk(module) if isinstance(n, ast.keyword)}
    for owner in [module, *(s for s in module.body if isinstance(s, ast.ClassDef))]:
        for function in owner.body:
            if not isinstance(function, ast.FunctionDef):
                continue
            full = function.name
            if isinstance(owner, ast.ClassDef):
                full = owner.name + "." + full
                if owner.name == "MQTTClient" and not (
                    function.name.startswith("_") and function.name != "__init__"
                ):
                    continue
            if full in NAMED:
                continue
            inside = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
            free = iter([name for name in ARGUMENTS if name not in inside])
            new = {}
            for arg in function.args.args:
                if arg.arg != "self" and arg.arg not in named:
                    new[arg.arg] = arg.arg = next(free)
            for node in ast.walk(function):
                if isinstance(node, ast.Name):
                    node.id = new.get(node.id, node.id)
