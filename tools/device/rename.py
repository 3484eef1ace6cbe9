"""Give private names the names that every MicroPython has built in: they cost a board nothing.

    def _check_limit(self):   ->   def timeout(self):
        self._looked = now             self.rstrip = isalpha

Names of functions stand in tracebacks, so these are words that say nothing wrong. Attributes of classes that have
nothing to do with each other share names.
"""

from __future__ import annotations

import ast
from collections import Counter
from itertools import chain, count
from typing import NamedTuple

from tools.device import walk
from tools.device.inline import OBJECTS
from tools.device.merge import module_of
from tools.device.names import FREE, MORE, PLAIN, SPECIAL, UNUSUAL

# Functions and methods whose arguments a program may give by name, besides those of the clients.
BY_NAME = ("Options", "reply", "disconnect", "ask", "ask_and_wait")
CLIENT = "MQTTClient"  # how the names of clients begin


class Scope(NamedTuple):
    """Where a name means one thing: the top of the module, or classes that inherit from each other.

    classes  their names
    keys     of what they have
    taken    names that nothing else there may get
    """

    classes: set[str]
    keys: set[str]
    taken: set[str]


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
    attributes = {n.attr for n in walk.attributes(module)}.union(*map(walk.bound, walk.classes(module).values()))
    hidden = {name for name in attributes if name.startswith("_") and not name.startswith("__")} - keep
    hidden |= attributes & internal
    functions = {"." * (owner is not module) + function.name for owner, function in walk.owned(module)}
    counts = Counter(n.id for n in ast.walk(module) if isinstance(n, ast.Name))
    counts.update("." + n.attr for n in walk.attributes(module))
    top, families = _top(module, keep), _families(module)
    in_classes = _in_classes(module)
    for family in families:
        family.taken.update(attributes - hidden, in_classes)

    # What something else has, too, that is not surely an object of the package's.
    elsewhere = {"." + n.attr for n in walk.attributes(module, ast.Store) if not walk.is_name(n.value, *OBJECTS)}
    places: dict[str, list[Scope]] = {}
    for key in {"." + name for name in hidden}:
        places[key] = [family for family in families if key in family.keys]
        if len(places[key]) != 1 or key in elsewhere:
            places[key] = families
    for name in top.keys:
        # In the body of a class it would be taken for an attribute.
        places[name] = [top, *families] if name in in_classes else [top]

    new: dict[str, str] = {}
    words = [*PLAIN, *UNUSUAL]
    own = {key: key.lstrip("._") for key in places}
    # Those first that several places share, then those that may keep their names, then what stands most often.
    for key in sorted(places, key=lambda key: (len(places[key]) == 1, own[key] not in words, -counts[key], key)):
        # Of some classes a program may have a subclass, with names of its own.
        extended = any(not scope.classes <= {*classes} for scope in places[key])
        if key in functions:
            names = UNUSUAL if extended else words
            names = [name for name in names if name == own[key]] + names
        else:
            names = FREE if extended else [*FREE, *MORE]
        taken = set().union(*(scope.taken for scope in places[key]))
        new[key] = next(name for name in chain(names, (f"_{n}" for n in count())) if name not in taken)
        for scope in places[key]:
            scope.taken.add(new[key])
    _arguments(module, new, keep, internal)
    walk.Replaced(new).visit(module)


def _top(module: ast.Module, keep: frozenset[str]) -> Scope:
    # Neither a variable nor a built-in name that is used may become that of something at the top.
    own = walk.bound(module)
    names = own.union(walk.names(module), walk.imported(module), *map(walk.variables, walk.functions(module)))
    # What is imported from a package becomes a global name of it.
    files = {module_of(s).partition(".")[0] for s in module.body} | {"texts", "errno"}
    return Scope(set(), own - keep, names - (own - keep) | files | {*SPECIAL})


def _in_classes(module: ast.Module) -> set[str]:
    # Names that stand in the bodies of classes; where one has no methods there is nothing to be mistaken.
    owners = [owner for owner in walk.classes(module).values() if walk.methods(owner)]
    parts = [s.args if isinstance(s, ast.FunctionDef) else s for owner in owners for s in owner.body]
    return set().union(*map(walk.names, parts))


def _families(module: ast.Module) -> list[Scope]:
    families: dict[str, Scope] = {}
    for owner in walk.classes(module).values():
        known = [families[base.id] for base in owner.bases if isinstance(base, ast.Name) and base.id in families]
        family = families[owner.name] = known[0] if known else Scope(set(), set(), set())
        family.classes.add(owner.name)
        family.keys.update("." + name for name in walk.members(owner))
    return list({id(family): family for family in families.values()}.values())


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
