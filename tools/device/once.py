"""Move what is needed once into a file of its own, which is loaded for that and forgotten: the memory that it took is
free for what comes then.
"""

from __future__ import annotations

import ast
from typing import NamedTuple

from tools.device import walk
from tools.device.merge import PACKAGE, TAG, module_of
from tools.device.names import FREE, PLAIN

PART = "once"  # the name of what is moved, in the place of that of a module of the package

STUB = """
def __init__(self, *{args}, **{named}):
    from .{file} import {name}
    {name}(self, *{args}, **{named})
"""
# Forgotten before anything can be raised, for wrong arguments, too.
FORGET = """
def {name}(self, *{args}, **{named}):
    from sys import modules
    del modules['{package}.{file}'], modules['{package}'].{file}
    __init__(self, *{args}, **{named})
"""


class Once(NamedTuple):
    """What is moved.

    owner  a class, whose `__init__` it is
    file   name of the file
    """

    owner: str
    file: str


def move(module: ast.Module, once: Once) -> None:
    """Tag the method, and the functions that only it uses, and put a method in its place that loads them."""
    owner = walk.classes(module)[once.owner]
    method = next(method for method in walk.methods(owner) if method.name == "__init__")
    args, named = FREE[:2]
    used = {n.id for n in ast.walk(module) if isinstance(n, ast.Name)}
    used |= {s.name for s in module.body if isinstance(s, (ast.FunctionDef, ast.ClassDef))}
    name = next(name for name in PLAIN if name not in used)
    names = {"args": args, "named": named, "file": once.file, "name": name, "package": PACKAGE}
    stub, forget = (ast.parse(source.format(**names)).body[0] for source in (STUB, FORGET))
    owner.body[owner.body.index(method)] = stub
    for function in (forget, method):
        setattr(function, TAG, PART)
        module.body.append(function)
    while True:
        own = [f for f in walk.methods(module) if module_of(f) != PART]
        rest = [s for s in module.body if module_of(s) != PART]
        alone = [f for f in own if not _uses([s for s in rest if s is not f], f.name)]
        alone = [f for f in alone if _uses(module.body, f.name)]
        if not alone:
            break
        for function in alone:
            setattr(function, TAG, PART)
            module.body.remove(function)
            module.body.insert(module.body.index(method), function)
    ast.fix_missing_locations(module)


def _uses(statements: list[ast.stmt], name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for s in statements for n in ast.walk(s))
