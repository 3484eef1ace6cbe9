"""Give private names the names that every MicroPython has built in: they cost a board nothing."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from itertools import count

from tools.device import walk
from tools.device.inline import OBJECTS
from tools.device.merge import module_of
from tools.device.names import FREE, MORE, PLAIN, SHORT, SPECIAL, UNUSUAL, WORDS

INTERNED = 10  # characters of a text that the VM keeps as a name
# Functions and methods whose arguments a program may give by name, besides those of the clients.
BY_NAME = ("Options", "reply", "disconnect", "ask", "ask_and_wait")


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
    counts: Counter[str] = Counter()
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            counts[node.id] += 1
        elif isinstance(node, ast.Attribute):
            counts["." + node.attr] += 1
    own_attributes = _attributes(module)
    attributes = {"." + name for name in own_attributes if name.startswith("_") and name not in keep}
    attributes |= {"." + name for name in own_attributes & internal}
    present = _remaining(module, attributes)
    within = {name for name in _in_classes(module) if name not in keep}
    own = {name for name in walk.bound(module) if name not in keep}
    functions = {function.name for function in walk.methods(module)} & own
    names = [*PLAIN, *UNUSUAL]
    found = _readable(functions - within, _Free(module, own), names, present)
    present.update(found.values())
    new = _attribute_names(module, attributes, taken, counts, classes, present)
    # A name at the top that stands in the body of a class would be taken for that of an attribute.
    stay = taken | set(new.values()) | set(found.values())
    found.update(_readable(functions & within, lambda _, name: name not in stay, names, present))
    found.update(_choose(within & own - set(found), stay | set(found.values()), counts))
    new.update(found)
    used = set(found.values())
    more = [name for name in MORE if name not in SPECIAL]
    new.update(_choose(own - within - set(found), taken | used, counts, more))
    _arguments(module, new, keep, internal)
    _Globals(new).visit(module)
    _Attributes(new).visit(module)


def _in_classes(module: ast.Module) -> set[str]:
    found = set()
    for owner in walk.classes(module).values():
        if not walk.methods(owner):
            continue  # nothing in it has a name that could be mistaken
        for statement in owner.body:
            parts: list[ast.AST | None] = [statement]
            if isinstance(statement, ast.FunctionDef):
                parts = [*statement.args.defaults, *statement.args.kw_defaults]
            found |= {n.id for part in parts if part for n in ast.walk(part) if isinstance(n, ast.Name)}
    return found


def _attribute_names(
    module: ast.Module,
    attributes: set[str],
    taken: set[str],
    counts: Counter[str],
    classes: tuple[str, ...],
    present: set[str],
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
    methods = _methods(module)
    stay = _names(module, bare=False) - {name[1:] for name in attributes} | _in_classes(module)

    def choose(own: set[str], used: set[str], free: bool) -> dict[str, str]:
        def is_free(old: str, name: str) -> bool:
            return name not in used

        names = _readable(own & methods, is_free, [*PLAIN, *UNUSUAL] if free else UNUSUAL, present if free else set())
        others = used | set(names.values()) | {name[1:] for name in attributes}
        present.update(names.values())
        names.update(_choose(own - set(names), others, counts, MORE if free else []))
        return names

    new = choose(alone, taken | stay, False)
    for family in families:
        own = {name for name in attributes - alone if of[name] == {family}}
        new.update(choose(own, stay | {new[name] for name in alone}, members[family] <= set(classes)))
    return new


def _remaining(module: ast.Module, attributes: set[str]) -> set[str]:
    # Names that are in the files anyway.
    texts = (n.value for n in ast.walk(module) if isinstance(n, ast.Constant))
    found = {text for text in texts if isinstance(text, str) and len(text) <= INTERNED}
    return found | {n.attr for n in ast.walk(module) if isinstance(n, ast.Attribute)} - {a[1:] for a in attributes}


def _methods(module: ast.Module) -> set[str]:
    return {"." + method.name for owner in walk.classes(module).values() for method in walk.methods(owner)}


def _readable(
    own: set[str], is_free: Callable[[str, str], bool], names: list[str], present: set[str]
) -> dict[str, str]:
    # For functions, whose names stand in tracebacks.
    new: dict[str, str] = {}
    cheapest = sorted(names, key=lambda name: (name not in SHORT, name not in present))
    for wanted in (_own_name, _words, lambda key: cheapest):
        for key in sorted(own - set(new)):
            for name in wanted(key):
                if (name in names or name in present) and name not in new.values() and is_free(key, name):
                    new[key] = name
                    break
    more = (f"_{n}" for n in count())
    for key in sorted(own - set(new)):
        new[key] = next(name for name in more if is_free(key, name))
    return new


def _stored_elsewhere(module: ast.Module) -> set[str]:
    # Attributes that something else gets than an object of the package's.
    stored = walk.attributes(module, ast.Store)
    return {"." + n.attr for n in stored if not (isinstance(n.value, ast.Name) and n.value.id in OBJECTS)}


def _families(module: ast.Module) -> tuple[dict[int, set[str]], dict[int, set[str]]]:
    # Classes that inherit from each other, by a number: the names of their attributes, and their own.
    family: dict[str, int] = {}
    found: dict[int, set[str]] = {}
    methods = {name[1:] for name in _methods(module)}
    for i, owner in enumerate(walk.classes(module).values()):
        bases = [family[base.id] for base in owner.bases if isinstance(base, ast.Name) and base.id in family]
        family[owner.name] = min(bases, default=i)
        names = found.setdefault(family[owner.name], set())
        for other in set(bases) - {family[owner.name]}:
            names |= found.pop(other)
            family.update({name: family[owner.name] for name, number in family.items() if number == other})
        names |= walk.bound(owner)
        own = {method.name for method in walk.methods(owner)}
        for method in walk.methods(owner):
            names |= _of_self(method, methods - own)
    members: dict[int, set[str]] = {}
    for name, number in family.items():
        members.setdefault(number, set()).add(name)
    return found, members


def _own_name(key: str) -> list[str]:
    return [key.lstrip("._")]


def _words(key: str) -> list[str]:
    # Names that say something about a function.
    return WORDS.get(key.lstrip("._"), "").split()


class _Free:
    """Tells whether a global name may become another one: where it stands no variable may have that, and no global
    or built-in name anywhere."""

    def __init__(self, module: ast.Module, own: set[str]) -> None:
        # What is imported from a package becomes a global name of it.
        self._taken = {module_of(s).partition(".")[0] for s in module.body} | {"texts", "errno"}
        self._taken |= walk.bound(module)
        self._local: dict[str, set[str]] = {}  # a global name: the variables where it stands
        for scope in module.body:
            for part in scope.body if isinstance(scope, ast.ClassDef) else [scope]:
                self._look(part)
        self._taken -= own

    def _look(self, part: ast.stmt) -> None:
        inner = list(ast.walk(part))
        local = {n.arg for n in inner if isinstance(n, ast.arg)}
        local |= {n.name for n in inner if isinstance(n, ast.ExceptHandler) and n.name}
        local |= {a.asname or a.name for n in inner if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}
        local |= walk.stored(part)
        used = {n.id for n in inner if isinstance(n, ast.Name)} - local
        self._taken |= used if isinstance(part, ast.FunctionDef) else used | local
        for name in used:
            self._local.setdefault(name, set()).update(local)

    def __call__(self, old: str, new: str) -> bool:
        return new not in self._taken and new not in self._local.get(old, ())


def _of_self(function: ast.FunctionDef, others: set[str]) -> set[str]:
    # The attributes of `self`. Where that becomes another object within the function, the methods of other classes are
    # that object's.
    names = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == "self"]
    other = any(isinstance(n.ctx, ast.Store) for n in names)
    found = {n.attr for n in ast.walk(function) if isinstance(n, ast.Attribute) and n.value in names}
    return found - others if other else found


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
            own |= walk.bound(node)
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
    for owner, function in walk.owned(module):
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
