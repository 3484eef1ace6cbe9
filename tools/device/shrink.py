"""Make a merged module small without changing what it does."""

from __future__ import annotations

import ast
import copy

# Texts of these are for reading; the number, or the argument's name before the colon, says it too.
WITH_TEXTS = ("ValueError", "TypeError")


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

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "max" and not node.keywords:
            values = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, int)]
            if len(values) == len(node.args) > 1:
                return ast.Constant(max(values))
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


def texts(module: ast.Module) -> ast.Module:
    """Shorten the texts of exceptions, and make `malformed(text)` the exception itself."""
    return _Texts().visit(module)  # type: ignore[no-any-return]


def handlers(module: ast.Module) -> ast.Module:
    """Write `except BaseException:` as `except:`, which is less to do."""
    for node in ast.walk(module):
        if isinstance(node, ast.ExceptHandler) and not node.name:
            if isinstance(node.type, ast.Name) and node.type.id == "BaseException":
                node.type = None
    return module


class _Texts(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "malformed":
            return ast.parse("MQTTException(ERESPONSE)", mode="eval").body
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        if node.name == "MQTTException":
            node.body = [ast.Pass()]
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        self.generic_visit(node)
        node.cause = None
        call = node.exc
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            return node
        if call.func.id == "MQTTException" and isinstance(call.args[-1], ast.Constant):
            del call.args[1:]
        elif call.func.id in WITH_TEXTS:
            call.args = [_argument_alone(call.args[0])]
        return node


def _argument_alone(text: ast.expr) -> ast.expr:
    # "name: what is wrong", "name: %d" % x, name + ": what is wrong" and "%s: %d" % (name, x) become the name.
    if isinstance(text, ast.BinOp):
        if isinstance(text.op, ast.Add):
            return text.left
        values, text = text.right, text.left
        if isinstance(values, ast.Tuple) and ast.literal_eval(text).startswith("%s:"):
            return values.elts[0]
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        return ast.Constant(text.value.split(":")[0])
    return text


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
