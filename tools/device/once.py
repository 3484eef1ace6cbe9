"""Move what is needed now and then into files of their own. Such a file is loaded for one call and forgotten: the
memory that it took is free for what comes then.

A function is loaded where it is called, by an import within the expression. So whoever calls it must bear a MemoryError
there. It forgets its file when it begins.
"""

from __future__ import annotations

import ast
import copy
from typing import NamedTuple

from tools.device import walk
from tools.device.merge import PACKAGE, TAG, Unmergeable, module_of
from tools.device.names import FREE, PLAIN

MAKER = "__init__"
ONCE = "once"  # an attribute of a function that is moved: name of the file
PART = "once."  # with the name of the file after it, in the place of that of a module of the package

STUB = """
def __init__(self, *{args}, **{named}):
    {name}(self, *{args}, **{named})
"""
# The file is forgotten before anything can be raised, for wrong arguments, too.
LOADED = """
def {name}(self, *{args}, **{named}):
    import gc
    gc.collect()
    __init__(self, *{args}, **{named})
"""
LOAD = "__import__('{file}', None, None, True, {level}).{name}"  # MicroPython looks at no other argument
# Written so that it may be done again: one function of a file may call another.
FORGET = """
from sys import modules
modules['{package}.{file}'] = modules['{package}'].{file} = None
del modules['{package}.{file}']
"""
# What was left over by the import, or by the call before, makes room at once: what stays stands close together then.
COLLECT = """
import gc
gc.collect()
"""


class Once(NamedTuple):
    """What is moved.

    file       name of the file, one that every MicroPython has among its names
    functions  in it, functions and methods, as they are called in the sources: "f", "Class.f". A generator keeps the
               file for as long as it runs. A public method stays, and calls the function
    """

    file: str
    functions: tuple[str, ...]


def mark(module: ast.Module, files: tuple[Once, ...]) -> None:
    """Mark the functions, before the other steps change their names."""
    found = {getattr(owner, "name", "") + "." + function.name: function for owner, function in walk.owned(module)}
    for once in files:
        for name in once.functions:
            setattr(found[name if "." in name else "." + name], ONCE, once.file)


def detach(module: ast.Module, internal: frozenset[str]) -> frozenset[str]:
    """Make functions of the marked methods, and have them called as such; return the names of all that is marked.

    internal  names of methods without _ that no program calls
    """
    owners = walk.classes(module).values()
    for owner in owners:
        # The arguments of __init__ have names that a program uses: it stays until all else has its name.
        for method in [m for m in walk.methods(owner) if hasattr(m, ONCE) and m.name != MAKER]:
            old, new = method.name, f"{method.name.strip('_')}_{getattr(method, ONCE)}"
            at = owner.body.index(method)
            owner.body.remove(method)
            if old.startswith("_") or old in internal:
                if any(old in walk.bound(other) for other in owners):
                    raise Unmergeable(f"{old}: several classes have such a method")
                for call in ast.walk(module):
                    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == old:
                        call.args.insert(0, call.func.value)
                        call.func = ast.Name(new, ast.Load())
            else:
                owner.body.insert(at, _stub(method, new))
            method.name = new
            module.body.insert(module.body.index(owner) + 1, method)
    ast.fix_missing_locations(module)
    return frozenset(f.name for f in walk.methods(module) if hasattr(f, ONCE))


def _stub(method: ast.FunctionDef, new: str) -> ast.FunctionDef:
    # A method that programs know stays, and calls the function; a generator does when it begins.
    call = ast.Call(ast.Name(new, ast.Load()), [ast.Name(arg.arg, ast.Load()) for arg in method.args.args], [])
    body: list[ast.stmt] = [ast.Return(call)]
    if walk.is_generator(method):
        body = [*ast.parse(COLLECT).body, ast.Expr(ast.YieldFrom(call))]
    stub = ast.FunctionDef(method.name, copy.deepcopy(method.args), body, [])
    setattr(stub, TAG, module_of(method))
    return stub


def move(
    module: ast.Module, once: tuple[Once, ...], files: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Tag what goes to each file, with the functions that it alone uses, and import it where it is called. Returns
    the files, as `split` takes them.

    files  the other ones
    """
    for made in walk.classes(module).values():
        for method in walk.methods(made):
            if hasattr(method, ONCE):
                _take_maker(module, made, method)
    moved = {f.name: f for f in walk.methods(module) if hasattr(f, ONCE)}
    for function in moved.values():
        setattr(function, TAG, PART + getattr(function, ONCE))
    _take_along(module)
    called_from_outside: set[str] = set()
    depth = {part: name.count(".") for name, parts in files.items() for part in parts}
    for owner, function in walk.owned(module):
        part = module_of(owner if isinstance(owner, ast.ClassDef) else function)
        for name in walk.names(function) & moved.keys() - walk.variables(function):
            if part != module_of(moved[name]):
                new = {name: _loaded(moved[name], 1 + depth.get(part, 0))}
                for statement in function.body:
                    walk.Replaced(new).visit(statement)
                called_from_outside.add(name)
    for name in called_from_outside:
        forget = FORGET.format(package=PACKAGE, file=getattr(moved[name], ONCE))
        moved[name].body[:0] = ast.parse(forget).body
    ast.fix_missing_locations(module)
    return {**files, **{one.file: (PART + one.file,) for one in once}}


def _loaded(function: ast.FunctionDef, level: int) -> ast.expr:
    # The function, loaded within an expression: no variable of a generator holds it, and so its file, while that waits.
    return ast.parse(LOAD.format(name=function.name, file=getattr(function, ONCE), level=level), mode="eval").body


def _take_maker(module: ast.Module, owner: ast.ClassDef, method: ast.FunctionDef) -> None:
    args, named = FREE[:2]
    used = walk.names(module) | walk.bound(module)
    name = next(name for name in PLAIN if name not in used)
    stub, loaded = (
        ast.parse(source.format(args=args, named=named, name=name)).body[0] for source in (STUB, LOADED)
    )
    owner.body[owner.body.index(method)] = stub
    setattr(loaded, ONCE, getattr(method, ONCE))
    module.body += [loaded, method]


def _take_along(module: ast.Module) -> None:
    # Functions and constants that only one of the files uses; not a generator, which lives longer than the call.
    while True:
        for statement in module.body:
            name = statement.name if isinstance(statement, ast.FunctionDef) else "".join(walk.assigned(statement))
            if name and not module_of(statement).startswith(PART) and not walk.is_generator(statement):
                users = {module_of(s) for s in module.body if s is not statement and name in walk.names(s)}
                if len(users) == 1 and next(iter(users)).startswith(PART):
                    setattr(statement, TAG, users.pop())
                    break
        else:
            break
    # What is used must be there first.
    module.body.sort(key=lambda s: isinstance(s, ast.FunctionDef) and hasattr(s, ONCE))
