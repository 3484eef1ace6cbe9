"""What a merged module has: its classes, their methods, its functions, and the names that are assigned."""

from __future__ import annotations

import ast
from typing import Union

Owner = Union[ast.Module, ast.ClassDef]


def classes(module: ast.Module) -> dict[str, ast.ClassDef]:
    """The classes at the top, by name."""
    return {s.name: s for s in module.body if isinstance(s, ast.ClassDef)}


def methods(owner: Owner) -> list[ast.FunctionDef]:
    """The methods of a class, or the functions at the top of a module."""
    return [s for s in owner.body if isinstance(s, ast.FunctionDef)]


def owned(module: ast.Module) -> list[tuple[Owner, ast.FunctionDef]]:
    """The functions at the top and then the methods, each with the module or the class that it stands in."""
    owners: list[Owner] = [module, *classes(module).values()]
    return [(owner, function) for owner in owners for function in methods(owner)]


def functions(root: ast.AST) -> list[ast.FunctionDef]:
    """All functions, wherever they stand."""
    return [node for node in ast.walk(root) if isinstance(node, ast.FunctionDef)]


def assigned(statement: ast.stmt) -> list[str]:
    """The names that a statement assigns to, if it does nothing else; in the body of a class these are attributes."""
    return [t.id for t in statement.targets if isinstance(t, ast.Name)] if isinstance(statement, ast.Assign) else []


def bound(owner: Owner) -> set[str]:
    """The names of the functions, classes and values in a module's or a class's body."""
    found = {s.name for s in owner.body if isinstance(s, (ast.FunctionDef, ast.ClassDef))}
    return found.union(*map(assigned, owner.body))


def stored(root: ast.AST) -> set[str]:
    """The variables that get a value."""
    return {n.id for n in ast.walk(root) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def stored_attributes(root: ast.AST) -> list[ast.Attribute]:
    """The places where an attribute gets a value."""
    return [n for n in ast.walk(root) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
