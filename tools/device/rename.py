"""Give private names the names that every MicroPython has built in: they cost a board nothing."""

from __future__ import annotations

import ast
from collections import Counter

from tools.device.inline import OBJECTS

# Names that are part of the .mpy format itself. They are for attributes, so there is none that a program's
# subclass is likely to use, and no method of a dict, for the session store is one. The same ones do for
# what is global, and for arguments: a file has a list of the names in it.
# MicroPython remembers for each name where it was found last; two names whose numbers in the format are the same
# modulo 64 share that place. So none of the first half shares it with another one, nor with `write`, `len` or `send`,
# which every message passes.
FREE = (
    "from_bytes isalpha isdigit islower isspace isupper startswith endswith lstrip rstrip rsplit rindex "
    "rfind bytecode staticmethod getattr setattr globals locals callable exec "
    "eval isinstance hasattr ord "
    "IndentationError IndexError ArithmeticError KeyboardInterrupt NameError NotImplementedError OverflowError "
    "RuntimeError SyntaxError SystemExit ZeroDivisionError repr readline "
    "issubclass LookupError KeyError NoneType classmethod divmod chr sorted AssertionError AttributeError EOFError "
    "Ellipsis GeneratorExit lower upper replace reverse"
).split()
# Not of the format, but of all firmware: they cost no heap.
FREE += "delattr frozenset reversed enumerate oct hex bin property UnicodeError StopAsyncIteration".split()
# The same, where no program has a subclass.
MORE = (
    "abs all any append args builtins const copy count dict dir end extend find format hash index insert items "
    "iter join key keys list little main map micropython object pow remove round sep sort split "
    "strip sum super throw tuple type update value values zip __main__ __name__ __path__ "
    "len min max isinstance range int str bytes bytearray print next getattr memoryview bool id hash open float "
    "OSError ValueError TypeError MemoryError ImportError StopIteration Exception BaseException self"
).split()
# Functions and methods whose arguments a program may give by name, besides those of the clients.
BY_NAME = ("Options", "reply", "disconnect", "ask", "ask_and_wait")
# Not for what is global: the compiler and the VM look at these.
SPECIAL = ("const", "super", "self", "__main__", "__name__", "__path__")


def rename(
    module: ast.Module,
    keep: frozenset[str],
    internal: frozenset[str] = frozenset(),
    classes: tuple[str, ...] = (),
) -> None:
    """Rename what no program can see: functions, classes and attributes of the package's own, and the
    arguments of private functions.

    keep      names that stay
    internal  attributes without _ that no program needs
    classes   of which no program has a subclass
    """
    taken = _names(module)
    attributes_taken = _names(module, bare=False)
    counts: Counter[str] = Counter()
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            counts[node.id] += 1
        elif isinstance(node, ast.Attribute):
            counts["." + node.attr] += 1
    own_attributes = _attributes(module)
    attributes = {"." + name for name in own_attributes if name.startswith("_") and name not in keep}
    attributes |= {"." + name for name in own_attributes & internal}
    new = _attribute_names(module, attributes, taken, counts, classes, attributes_taken)
    # A name at the top that stands in the body of a class would be taken for that of an attribute.
    within = {name for name in _in_classes(module) if name not in keep}
    own = {name for name in _globals(module) if name not in keep}
    new.update(_choose(within & own, taken | set(new.values()), counts))
    more = [name for name in MORE if name not in SPECIAL]
    new.update(_choose(own - within, taken | {new[name] for name in within & own}, counts, more))
    _arguments(module, new, keep, internal)
    _Globals(new).visit(module)
    _Attributes(new).visit(module)


def _in_classes(module: ast.Module) -> set[str]:
    found = set()
    for owner in (s for s in module.body if isinstance(s, ast.ClassDef)):
        if not any(isinstance(s, ast.FunctionDef) for s in owner.body):
            continue  # nothing in it has a name that could be mistaken
        for statement in owner.body:
            parts: list[ast.AST | None] = [statement]
            if isinstance(statement, ast.FunctionDef):
                parts = [*statement.args.defaults, *statement.args.kw_defaults]
            found |= {n.id for part in parts if part for n in ast.walk(part) if isinstance(n, ast.Name)}
    return found


def _globals(module: ast.Module) -> set[str]:
    own = set()
    for statement in module.body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            own.add(statement.name)
        elif isinstance(statement, ast.Assign):
            own |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
    return own


def _attribute_names(
    module: ast.Module,
    attributes: set[str],
    taken: set[str],
    counts: Counter[str],
    classes: tuple[str, ...],
    attributes_taken: set[str],
) -> dict[str, str]:
    # Attributes of classes that have nothing to do with each other share names: each name is one that the VM must
    # remember.
    families, members = _families(module)
    of: dict[str, set[int]] = {}
    for family, names in families.items():
        for name in names:
            of.setdefault("." + name, set()).add(family)
    elsewhere = _stored_elsewhere(module)
    alone = {name for name in attributes if len(of.get(name, ())) != 1 or name in elsewhere}
    new = _choose(alone, taken, counts)
    for family in families:
        own = {name for name in attributes - alone if of[name] == {family}}
        free = members[family] <= set(classes)
        used = attributes_taken | {new[name] for name in alone}
        new.update(_choose(own, used, counts, MORE if free else []))
    return new


def _stored_elsewhere(module: ast.Module) -> set[str]:
    # Attributes that something else gets than an object of the package's.
    stored = [n for n in ast.walk(module) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
    return {"." + n.attr for n in stored if not (isinstance(n.value, ast.Name) and n.value.id in OBJECTS)}


def _families(module: ast.Module) -> tuple[dict[int, set[str]], dict[int, set[str]]]:
    # Classes that inherit from each other, by a number: the names of their attributes, and their own.
    family: dict[str, int] = {}
    found: dict[int, set[str]] = {}
    for i, owner in enumerate(s for s in module.body if isinstance(s, ast.ClassDef)):
        bases = [family[base.id] for base in owner.bases if isinstance(base, ast.Name) and base.id in family]
        family[owner.name] = min(bases, default=i)
        names = found.setdefault(family[owner.name], set())
        for other in set(bases) - {family[owner.name]}:
            names |= found.pop(other)
            family.update({name: family[owner.name] for name, number in family.items() if number == other})
        for node in ast.walk(owner):
            if isinstance(node, ast.FunctionDef):
                names.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
                names.add(node.attr)
        for statement in owner.body:
            if isinstance(statement, ast.Assign):
                names |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
    members: dict[int, set[str]] = {}
    for name, number in family.items():
        members.setdefault(number, set()).add(name)
    return found, members


def _choose(
    own: set[str], taken: set[str], counts: Counter[str], more: list[str] | None = None
) -> dict[str, str]:
    names = [name for name in dict.fromkeys([*FREE, *(more or [])]) if name not in taken]
    if len(names) < len(own):
        others = [f"_{n}" for n in range(len(own) + len(taken)) if f"_{n}" not in taken]
        names += others[: len(own) - len(names)]
    return dict(zip(sorted(own, key=lambda name: (-counts[name], name)), names))


def _attributes(module: ast.Module) -> set[str]:
    own = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            own.add(node.attr)
        elif isinstance(node, ast.ClassDef):
            for statement in node.body:
                if isinstance(statement, ast.FunctionDef):
                    own.add(statement.name)
                elif isinstance(statement, ast.Assign):
                    own |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
    return {name for name in own if not name.startswith("__")}


def _names(module: ast.Module, bare: bool = True) -> set[str]:
    # Every name that means something already, so that no new one can be mistaken for it; without those that stand
    # alone in functions, which are no attributes.
    out = set() if bare else _in_classes(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            if bare:
                out.add(node.id)
        elif isinstance(node, ast.Attribute):
            out.add(node.attr)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            out.add(node.name)
        elif isinstance(node, (ast.arg, ast.keyword)):
            out.add(node.arg or "")
        elif isinstance(node, ast.alias):
            out.add(node.asname or node.name)
    return out


class Renamed(ast.NodeTransformer):
    """Names get new ones."""

    def __init__(self, new: dict[str, str]) -> None:
        self.new = new

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.new.get(node.id, node.id)
        return node


class _Globals(Renamed):
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


def _arguments(
    module: ast.Module, others: dict[str, str], keep: frozenset[str], internal: frozenset[str]
) -> None:
    # `others` is how those at the top will be called; a program may name the arguments of a class in `keep`.
    named = {n.arg for n in ast.walk(module) if isinstance(n, ast.keyword)}
    owners: list[ast.Module | ast.ClassDef] = [module, *(s for s in module.body if isinstance(s, ast.ClassDef))]
    for owner in owners:
        for function in owner.body:
            if not isinstance(function, ast.FunctionDef):
                continue
            if function.name in BY_NAME:
                continue
            if isinstance(owner, ast.ClassDef):
                made = function.name == "__init__"
                public = owner.name.startswith("MQTTClient") and not (
                    function.name.startswith("_") or function.name in internal
                )
                if public or (made and (owner.name in keep or owner.name.startswith("MQTTClient"))):
                    continue
            inside = {others.get(n.id, n.id) for n in ast.walk(function) if isinstance(n, ast.Name)}
            free = iter([name for name in FREE if name not in inside])
            new = {}
            for arg in function.args.args:
                if arg.arg != "self" and arg.arg not in named:
                    new[arg.arg] = arg.arg = next(free)
            for node in ast.walk(function):
                if isinstance(node, ast.Name):
                    node.id = new.get(node.id, node.id)
                elif isinstance(node, ast.ExceptHandler) and node.name:
                    node.name = new.get(node.name, node.name)
