"""Put what is known in the place of its name, and leave out what is never reached then.

    if FIVE and packets.five:       send(buf, 128)
        check(topic)            ->
    send(buf, ONE_WRITE)
"""

from __future__ import annotations

import ast

from tools.device import walk


def constants(module: ast.Module, off: tuple[str, ...] = ()) -> None:
    """Put the value of a constant where its name stands, and leave out the constant.

    A constant is a name in capitals, assigned once at the top, whose value is known here; `off` has those that are
    False in this build.
    """
    known: dict[str, ast.expr] = {}
    for statement in module.body:
        walk.Replaced(known).visit(statement)
        for name in walk.assigned(statement):
            value = ast.Constant(False) if name in off else _value(statement.value)  # type: ignore[attr-defined]
            if name.isupper() and value:
                known[name] = value
    walk.drop(module, lambda s: bool(known.keys() & set(walk.assigned(s))))
    fold(module)


def _value(node: ast.expr) -> ast.expr | None:
    if isinstance(node, ast.Call) and walk.called(node) == "bytes":
        return ast.Constant(bytes(ast.literal_eval(node.args[0])))
    try:
        ast.literal_eval(node)
    except ValueError:
        return None
    return node


def fold(module: ast.Module) -> None:
    """Leave out what a constant condition never reaches, and what does nothing."""
    _Fold().visit(module)
    walk.drop(module)


class _Fold(ast.NodeTransformer):
    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        decides = isinstance(node.op, ast.Or)
        values: list[ast.expr] = []
        for value in node.values:
            known = value.value if isinstance(value, ast.Constant) else None
            if known is not (not decides):
                values.append(value)
            if known is decides:
                break
        if len(values) > 1:
            return ast.BoolOp(node.op, values)
        return values[0] if values else ast.Constant(not decides)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        known = isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Constant)
        return ast.Constant(not node.operand.value) if known else node  # type: ignore[attr-defined]

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node

    def visit_If(self, node: ast.If) -> object:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        if _does_something(node.body + node.orelse):
            return node
        return ast.Expr(node.test) if walk.calls(node.test) else []

    def visit_Try(self, node: ast.Try) -> object:
        self.generic_visit(node)
        if not _does_something(node.body):
            return node.orelse + node.finalbody
        return node if node.handlers or _does_something(node.finalbody) else node.body + node.orelse


def _does_something(body: list[ast.stmt]) -> bool:
    return not all(isinstance(s, ast.Pass) for s in body)
