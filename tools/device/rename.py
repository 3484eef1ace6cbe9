"""Give private names the names that every MicroPython has built in: they cost a board nothing.

    def _check_limit(self):   ->   def timeout(self):
        self._looked = now             self.rstrip = isalpha

Names of functions stand in tracebacks, so these are words that say something, or nothing. Attributes of classes that
have nothing to do with each other share names.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable

from tools.device import walk
from tools.device.inline import OBJECTS
from tools.device.merge import module_of
from tools.device.names import FREE, MORE, PLAIN, SHORT, SPECIAL, UNUSUAL, WORDS

INTERNED = 10  # characters of a text that the VM keeps as a name
# Functions and methods whose arguments a program may give by name, besides those of the clients.
BY_NAME = ("Options", "reply", "disconnect", "ask", "ask_and_wait")
CLIENT = "MQTTClient"  # how the names of clients begin


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
    taken = _names(module) | walk.names(module)
    within = _in_classes(module)
    hidden = {name for name in _attributes(module) if name.startswith("_")} - keep | internal
    keys = {"." + name for name in _attributes(module) & hidden}
    own = walk.bound(module) - keep
    functions = {function.name for function in walk.methods(module)} & own
    counts = Counter(n.id for n in ast.walk(module) if isinstance(n, ast.Name))
    counts.update("." + n.attr for n in walk.attributes(module))
    present = _remaining(module, keys)
    # A name at the top that stands in the body of a class would be taken for that of an attribute.
    new = _readable(functions - within, _Free(module, own), [*PLAIN, *UNUSUAL], present)
    attributes = _attribute_names(module, keys, taken, counts, classes, present | set(new.values()))
    stay = taken | set(attributes.values()) | set(new.values())
    new.update(_readable(functions & within, lambda _, name: name not in stay, [*PLAIN, *UNUSUAL], present))
    new.update(_choose(within & own - set(new), stay | set(new.values()), counts))
    more = [name for name in MORE if name not in SPECIAL]
    new.update(_choose(own - set(new), taken | set(new.values()), counts, more))
    _arguments(module, new, keep, internal)
    walk.Replaced({**new, **attributes}).visit(module)


def _in_classes(module: ast.Module) -> set[str]:
    # Names that stand in the bodies of classes; where one has no methods there is nothing to be mistaken.
    owners = [owner for owner in walk.classes(module).values() if walk.methods(owner)]
    parts = [s.args if isinstance(s, ast.FunctionDef) else s for owner in owners for s in owner.body]
    return set().union(*map(walk.names, parts))


def _attribute_names(
    module: ast.Module,
    keys: set[str],
    taken: set[str],
    counts: Counter[str],
    classes: tuple[str, ...],
    present: set[str],
) -> dict[str, str]:
    families = _families(module)
    found = Counter(key for _, family in families for key in family)
    # What something else has, too, that is not surely an object of the package's.
    stored = walk.attributes(module, ast.Store)
    elsewhere = {"." + n.attr for n in stored if not walk.is_name(n.value, *OBJECTS)}
    alone = {key for key in keys if found[key] != 1 or key in elsewhere}
    methods = {"." + function.name for owner, function in walk.owned(module) if owner is not module}
    stay = _names(module) - {key[1:] for key in keys} | _in_classes(module)

    def choose(own: set[str], used: set[str], free: bool) -> dict[str, str]:
        # `free`: no program has a subclass with methods of its own.
        names = [*PLAIN, *UNUSUAL] if free else UNUSUAL
        new = _readable(own & methods, lambda _, name: name not in used, names, present if free else set())
        used = used | set(new.values()) | {key[1:] for key in keys}
        present.update(new.values())
        return {**new, **_choose(own - set(new), used, counts, MORE if free else [])}

    new = choose(alone, taken | stay, False)
    used = stay | set(new.values())
    for members, family in families:
        new.update(choose(keys & family - alone, used, members <= set(classes)))
    return new


def _families(module: ast.Module) -> list[tuple[set[str], set[str]]]:
    # Classes that inherit from each other: their names, and the keys of their attributes.
    families: dict[str, tuple[set[str], set[str]]] = {}
    everywhere = {method.name for owner, method in walk.owned(module) if owner is not module}
    for owner in walk.classes(module).values():
        bases = [families[base.id] for base in owner.bases if isinstance(base, ast.Name) and base.id in families]
        members, keys = families[owner.name] = bases[0] if bases else (set(), set())
        members.add(owner.name)
        own = walk.bound(owner)
        keys |= {"." + name for name in own}
        for method in walk.methods(owner):
            # Where `self` becomes another object, the methods of other classes are that object's.
            others = everywhere - own if "self" in walk.stored(method) else set()
            attributes = {n.attr for n in walk.attributes(method) if walk.is_name(n.value, "self")}
            keys |= {"." + name for name in attributes - others}
    return list({id(family): family for family in families.values()}.values())


def _remaining(module: ast.Module, keys: set[str]) -> set[str]:
    # Names that are in the files anyway.
    texts = (n.value for n in ast.walk(module) if isinstance(n, ast.Constant))
    found = {text for text in texts if isinstance(text, str) and len(text) <= INTERNED}
    return found | {n.attr for n in walk.attributes(module) if "." + n.attr not in keys}


def _readable(
    own: set[str], is_free: Callable[[str, str], bool], names: Iterable[str], present: set[str]
) -> dict[str, str]:
    # For functions: their own names, or words for these, or the cheapest.
    new: dict[str, str] = {}
    cheapest = sorted(names, key=lambda name: (name not in SHORT, name not in present))
    allowed = {*cheapest, *present}
    plain = {key: key.lstrip("._") for key in sorted(own)}
    numbers = [f"_{n}" for n in range(len(own) + len(allowed))]
    for wanted in (
        {key: [name] for key, name in plain.items()},
        {key: WORDS.get(name, "").split() for key, name in plain.items()},
        dict.fromkeys(plain, cheapest),
        dict.fromkeys(plain, numbers),
    ):
        for key in plain:
            for name in wanted[key]:
                usable = name in allowed or wanted[key] is numbers
                if key not in new and usable and name not in new.values() and is_free(key, name):
                    new[key] = name
    return new


class _Free:
    """Tells whether a global name may become another one: where it stands no variable may have that, and no global
    or built-in name anywhere."""

    def __init__(self, module: ast.Module, own: set[str]) -> None:
        # What is imported from a package becomes a global name of it.
        self._taken = {module_of(s).partition(".")[0] for s in module.body} | {"texts", "errno"} | walk.bound(module)
        self._local: dict[str, set[str]] = {}  # a global name: the variables where it stands
        for owner in walk.owners(module):
            for part in owner.body:
                if not isinstance(part, ast.ClassDef):
                    self._look(part)
        self._taken -= own

    def _look(self, part: ast.stmt) -> None:
        local = walk.variables(part)
        used = walk.names(part) - local
        self._taken |= used if isinstance(part, ast.FunctionDef) else used | local
        for name in used:
            self._local.setdefault(name, set()).update(local)

    def __call__(self, old: str, new: str) -> bool:
        return new not in self._taken and new not in self._local.get(old, ())


def _choose(
    own: set[str], taken: set[str], counts: Counter[str], more: Iterable[str] = ()
) -> dict[str, str]:
    # For all else: the most frequent ones first.
    names = [name for name in dict.fromkeys([*FREE, *more]) if name not in taken]
    names += [f"_{n}" for n in range(len(own) + len(taken)) if f"_{n}" not in taken]
    return dict(zip(sorted(own, key=lambda name: (-counts[name], name)), names))


def _attributes(module: ast.Module) -> set[str]:
    found = {n.attr for n in walk.attributes(module)}.union(*map(walk.bound, walk.classes(module).values()))
    return {name for name in found if not name.startswith("__")}


def _names(module: ast.Module) -> set[str]:
    # Every name that means something already besides those that stand alone in functions, which are no attributes.
    out = _in_classes(module) | {n.attr for n in walk.attributes(module)} | walk.imported(module)
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            out.add(node.name)
        elif isinstance(node, (ast.arg, ast.keyword)):
            out.add(node.arg or "")
    return out


def _arguments(
    module: ast.Module, others: dict[str, str], keep: frozenset[str], internal: frozenset[str]
) -> None:
    # `others` is how those at the top will be called; a program may name the arguments of a class in `keep`.
    named = {n.arg for n in ast.walk(module) if isinstance(n, ast.keyword)}
    for owner, function in walk.owned(module):
        private = function.name.startswith("_") or function.name in internal
        if isinstance(owner, ast.ClassDef):
            client = owner.name.startswith(CLIENT)
            if (client and not private) or (function.name == "__init__" and (client or owner.name in keep)):
                continue
        if function.name not in BY_NAME:
            inside = {others.get(name, name) for name in walk.names(function)}
            free = (name for name in FREE if name not in inside)
            arguments = [arg.arg for arg in function.args.args if arg.arg != "self" and arg.arg not in named]
            replaced = walk.Replaced(dict(zip(arguments, free)))
            for part in (function.args, *function.body):
                replaced.visit(part)
