"""Make a merged module small without changing what it does."""

from __future__ import annotations

import ast
import copy


def constants(module: ast.Module) -> ast.Module:
    """Put the value of a constant where its name stands, and leave out the constant.

    A constant is a name in capitals, assigned once at the top, whose value is known here.
    """
    known: dict[str, ast.expr] = {}
    body = []
    for statement in module.body:
        statement = _Put(known).visit(statement)
        if isinstance(statement, ast.Assign):
            target = statement.targets[0]
            value = _value(statement.value)
            if isinstance(target, ast.Name) and target.id.isupper() and value:
                known[target.id] = value
                continue
        body.append(statement)
    module.body = body
    return module


def _value(node: ast.expr) -> ast.expr | None:
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "bytes"
        and len(node.args) == 1
    ):
        node = node.args[0]
        try:
            return ast.Constant(bytes(ast.literal_eval(node)))
        except ValueError:
            return None
    try:
        ast.literal_eval(node)
    except ValueError:
        return None
    return node


class _Put(ast.NodeTransformer):
    def __init__(self, known: dict[str, ast.expr]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.known:
            return copy.deepcopy(self.known[node.id])
        return node


def byte_order(module: ast.Module) -> None:
    """Give None as the byte order in the place of "big": to MicroPython all is "big" that is not "little", and None is
    no name."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("to_bytes", "from_bytes"):
                node.args = [ast.Constant(None) if _is_big(a) else a for a in node.args]


def _is_big(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "big"


def handlers(module: ast.Module) -> None:
    """Write `except BaseException:` as `except:`, which needs a word less in the frame of the call: `step` has none to
    spare, see LEAN in `inline`."""
    for node in ast.walk(module):
        if isinstance(node, ast.ExceptHandler) and not node.name:
            if isinstance(node.type, ast.Name) and node.type.id == "BaseException":
                node.type = None


def unused(module: ast.Module, keep: frozenset[str]) -> ast.Module:
    """Leave out functions and classes at the top that nothing refers to."""
    while True:
        used = {n.id for n in ast.walk(module) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        body = [
            s
            for s in module.body
            if not isinstance(s, (ast.FunctionDef, ast.ClassDef)) or s.name in used or s.name in keep
        ]
        if len(body) == len(module.body):
            return module
        module.body = body
