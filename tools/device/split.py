"""Cut a merged module into the files of a profile."""

from __future__ import annotations

import ast

from tools.device import walk
from tools.device.merge import PACKAGE, module_of


def split(module: ast.Module, files: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the source of each file.

    module  merged and renamed
    files   file names, each with the modules whose statements go there; all others go to the first
    """
    bodies: dict[str, list[ast.stmt]] = {name: [] for name in files}
    place = {part: name for name, parts in files.items() for part in parts}
    where: dict[str, str] = {}
    imports: dict[str, ast.stmt] = {}
    for statement in module.body:
        name = place.get(module_of(statement), next(iter(files)))
        bodies[name].append(statement)
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            where[statement.name] = name
        elif isinstance(statement, ast.Try):
            # What a port may lack, and what is taken then.
            where.update(dict.fromkeys(_bound(statement), name))
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            imports.update(dict.fromkeys(walk.imported(statement), statement))
        where.update(dict.fromkeys(walk.assigned(statement), name))
    out = {}
    for body in bodies.values():
        _public_classes(body)
    for name, body in bodies.items():
        body = _without_unused_imports(body)
        if name != "__init__":
            body = _needed(body, name, where, imports) + body
        out[name] = ast.unparse(ast.Module(body, [])) + "\n"
    return out


def _without_unused_imports(body: list[ast.stmt]) -> list[ast.stmt]:
    # What used it may have gone to another file.
    used = set().union(*map(walk.names, body))
    return [s for s in body if not isinstance(s, (ast.Import, ast.ImportFrom)) or walk.imported(s) & used]


def _public_classes(body: list[ast.stmt]) -> None:
    # Of `class short`, `Name = short` make `class Name`, `short = Name`: `type(x)` has the public name.
    classes = {s.name: s for s in body if isinstance(s, ast.ClassDef)}
    for statement in list(body):
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Name):
            target, found = statement.targets[0], classes.get(statement.value.id)
            if found and isinstance(target, ast.Name) and target.id[0].isupper():
                short, found.name = found.name, target.id
                body.remove(statement)
                new = ast.Assign([ast.Name(short, ast.Store())], ast.Name(target.id, ast.Load()))
                body.insert(body.index(found) + 1, ast.fix_missing_locations(new))


def _bound(statement: ast.Try) -> set[str]:
    return walk.imported(statement) | {function.name for function in walk.functions(statement)}


def _needed(
    body: list[ast.stmt], name: str, where: dict[str, str], imports: dict[str, ast.stmt]
) -> list[ast.stmt]:
    used = _globals(body) - {s.name for s in body if isinstance(s, ast.ClassDef)}
    for statement in body:
        if isinstance(statement, ast.Try):
            used -= _bound(statement)
    needed: list[ast.stmt] = []
    for other in sorted(set(where.values()) - {name}):
        there = sorted(n for n in used if where.get(n) == other)
        if there:
            source = PACKAGE if other == "__init__" else f"{PACKAGE}.{other}"
            needed.append(ast.ImportFrom(source, [ast.alias(n) for n in there], 0))
    for used_name in sorted(used):
        if used_name in imports and imports[used_name] not in body:
            needed.append(imports[used_name])
    return needed


def _globals(body: list[ast.stmt]) -> set[str]:
    # The names that statements use, without those that are a function's own.
    found: set[str] = set()
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            # What is assigned in its body is an attribute.
            parts: list[ast.AST] = [*statement.bases]
            parts += [s.value if isinstance(s, ast.Assign) else s for s in statement.body]
        else:
            parts = [statement]
        for part in parts:
            names = walk.names(part, ast.Load)
            if isinstance(part, ast.FunctionDef):
                names -= walk.variables(part)
                for default in (*part.args.defaults, *part.args.kw_defaults):
                    names |= walk.names(default) if default else set()
            found |= names
    return found
