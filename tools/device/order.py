"""Have the names of a file that stand in the most places numbered first.

In an .mpy a name is a number, given in the order in which the compiler meets names: the first 128 take one byte
wherever they stand, the others two. So a file with more names begins with those that it uses most, where
nothing is compiled: behind a `break`.
"""

from __future__ import annotations

import ast
import keyword
from collections import Counter

from tools.device import walk

SHORT = 128  # names with a number of one byte
INTERNED = 10  # characters; a longer text is an object, no name


def order(source: str) -> str:
    """Return a file's source with its names in front, where it has so many that it matters."""
    found: Counter[str] = Counter()
    _count(ast.parse(source), found, frozenset())
    if len(found) <= SHORT:
        return source
    first = [name for name, _ in found.most_common(SHORT)]
    return "while True:\n break\n" + "".join(f" {first[0]}.{name}\n" for name in first) + source


def _count(node: ast.AST, found: Counter[str], own: frozenset[str]) -> None:
    # `own` has the variables of the function around: they have no names in an .mpy.
    names: list[str] = []
    if isinstance(node, (ast.FunctionDef, ast.Lambda)):
        own |= walk.variables(node)
        names = [arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)]
        names.append(getattr(node, "name", ""))
    elif isinstance(node, ast.Name) and node.id not in own:
        names = [node.id]
    elif isinstance(node, ast.Attribute):
        names = [node.attr]
    elif isinstance(node, ast.keyword):
        names = [node.arg or ""]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= INTERNED:
        names = [node.value]
    found.update(name for name in names if name.isidentifier() and not keyword.iskeyword(name))
    for child in ast.iter_child_nodes(node):
        _count(child, found, own)
