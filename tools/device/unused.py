"""Leave out what a build does not use, and no program may: functions, classes, methods, attributes and arguments.

    self._late = True              self.session.remove(pid)
    self.session.remove(pid)  ->
    self.session.log(DONE, pid)
"""

from __future__ import annotations

import ast

from tools.device import constants, walk

CONNECTION = "Connection"
STORE = "PacketIdSession"  # what session stores have for other builds it need not have
SILENT = ("log", "check_free", "enter")  # methods that do nothing, where a build has none that overrides them


def arguments(module: ast.Module, names: tuple[str, ...]) -> None:
    """Take arguments with these names from functions that do not use them."""
    for function in walk.functions(module):
        used = set().union(*map(walk.names, function.body))
        for name in names:
            if name not in used:
                walk.without_argument(function, name)


def silent(module: ast.Module) -> None:
    """Leave out methods that do nothing, and their calls with what is asked or tried for them."""
    functions = [f for f in walk.functions(module) if f.name in SILENT]
    busy = {f.name for f in functions if not isinstance(f.body[0], ast.Pass)}
    gone = {"." + f.name for f in functions if f.name not in busy}
    walk.drop(module, lambda s: isinstance(s, ast.Expr) and walk.called(s.value) in gone)
    for owner in walk.classes(module).values():
        owner.body = [s for s in owner.body if not (isinstance(s, ast.FunctionDef) and "." + s.name in gone)]
    constants.fold(module)


def unused(module: ast.Module, keep: frozenset[str], internal: frozenset[str], hidden: bool = False) -> None:
    """Leave out what is not used at the top, in classes, and of attributes.

    keep      names at the top that programs use
    internal  names of methods and attributes without _ that no program uses
    hidden    no program has the Connection: of its methods all may go, and only what is called on it counts as a call
    """
    found: list[tuple[walk.Owner, ast.stmt]] = [(module, ast.Pass())]
    while found:
        used = walk.names(module, ast.Load) | keep
        loads = walk.attributes(module, ast.Load)
        read = {n.attr for n in loads}
        # Variables and attributes with a connection have that name everywhere in the package.
        called = {n.attr for n in loads if walk.holder(n.value) in ("self", CONNECTION.lower())} if hidden else read

        def gone(owner: walk.Owner, s: ast.stmt) -> bool:
            if isinstance(owner, ast.Module):
                return isinstance(s, (ast.FunctionDef, ast.ClassDef)) and s.name not in used  # noqa: B023
            mine = owner.name == STORE or (hidden and owner.name == CONNECTION)
            if isinstance(s, ast.FunctionDef):
                wanted = called if owner.name == CONNECTION else read  # noqa: B023
                return s.name not in wanted and not s.name.startswith("__") and (mine or _is_hidden(s.name, internal))
            names = walk.assigned(s)
            plain = isinstance(getattr(s, "value", None), ast.Constant)
            return bool(names) and plain and names[0] not in read and (mine or _is_hidden(names[0], internal))  # noqa: B023

        found = [(owner, s) for owner in walk.owners(module) for s in owner.body if gone(owner, s)]
        for owner, statement in found:
            owner.body.remove(statement)
        _drop_unread(module, {n.attr for n in loads}, internal)
        constants.fold(module)


def _is_hidden(name: str, internal: frozenset[str]) -> bool:
    return name.startswith("_") or name in internal


def _drop_unread(module: ast.Module, read: set[str], internal: frozenset[str]) -> None:
    # Leave out `self._x = ...` where nothing reads `_x`.
    def is_read(target: ast.expr) -> bool:
        name = target.attr if isinstance(target, ast.Attribute) else ""
        return name in read or not _is_hidden(name, internal)

    for block in walk.blocks(module):
        for i, s in enumerate(block):
            if isinstance(s, ast.Assign):
                s.targets = [target for target in s.targets if is_read(target)]
                if not s.targets:
                    block[i] = ast.Pass() if isinstance(s.value, (ast.Constant, ast.Name)) else ast.Expr(s.value)
