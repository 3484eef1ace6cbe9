"""Call the functions of the version of MQTT that a build has, in the place of methods of `packets`.

    n = self.packets.publish(buf, topic)   ->   n = publish(buf, topic)

With MQTT 3.1.1 alone there is no `packets`. With MQTT 5 alone what needs no object of V5 is called so. With both,
`packets` is None for MQTT 3.1.1, and each call asks: `(packets.publish if packets else publish)(buf, topic)`.
"""

from __future__ import annotations

import ast
import copy

from tools.device import walk
from tools.device.merge import module_of, tag

PLAIN = "V311"
FIVE = "V5"
# What every message passes is a statement for each version, so that the function can be put there.
BRANCHES = ("publish", "subscribe")


def versions(module: ast.Module, only_five: bool = False) -> None:
    """Do so in a merged module; `only_five`: the build has MQTT 5 in the place of MQTT 3.1.1."""
    found = walk.classes(module)
    plain, five = found[PLAIN], found.get(FIVE)
    module.body.remove(plain)
    if five:
        five.body = [s for s in five.body if walk.assigned(s) != ["five"]]
    if only_five and five:
        _Only(_functions_of(module, five)).visit(module)
        return
    functions = {
        walk.assigned(s)[0]: s.value.args[0] if isinstance(s.value, ast.Call) else s.value
        for s in plain.body
        if isinstance(s, ast.Assign)
    }
    (_Either if five else _Direct)(functions).visit(module)


def _functions_of(module: ast.Module, owner: ast.ClassDef) -> dict[str, ast.expr]:
    # Make functions of the methods of a class that need no object of it; return their names by those of the methods.
    functions: dict[str, ast.expr] = {}
    for method in walk.methods(owner):
        if not method.name.startswith("_") and "self" not in walk.names(method):
            owner.body.remove(method)
            name = f"{owner.name.lower()}_{method.name}"
            functions[method.name] = ast.Name(name, ast.Load())
            method.name = name
            del method.args.args[0]
            module.body.insert(module.body.index(owner), tag(method, module_of(owner)))
    return functions


def _is_packets(node: ast.AST) -> bool:
    return walk.holder(node) == "packets"


class _Packets(ast.NodeTransformer):
    """`functions`: what stands for the attributes of `packets`."""

    def __init__(self, functions: dict[str, ast.expr]) -> None:
        self.functions = functions

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(None) if node.id == PLAIN else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        return self.instead(node, copy.deepcopy(self.functions.get(node.attr))) if _is_packets(node.value) else node

    def instead(self, node: ast.Attribute, known: ast.expr | None) -> ast.expr:
        """What stands in the place of `packets.attr`."""
        raise NotImplementedError


class _Direct(_Packets):
    """MQTT 3.1.1 alone."""

    def instead(self, node: ast.Attribute, known: ast.expr | None) -> ast.expr:
        return known or ast.Constant(None)  # what only MQTT 5 has is never reached

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        return None if _is_packets(node.targets[0]) else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.args = [a for a in node.args if not _is_packets(a)]
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        walk.without_argument(node, "packets")
        return self.generic_visit(node)


class _Only(_Packets):
    """MQTT 5 alone: a client without `packets` gets an object of it."""

    def instead(self, node: ast.Attribute, known: ast.expr | None) -> ast.expr:
        return ast.Constant(True) if node.attr == "five" else known or node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if walk.called(node) == "Connection":
            new = ast.Call(ast.Name(FIVE, ast.Load()), [], [])
            node.args = [ast.BoolOp(ast.Or(), [a, new]) if _is_packets(a) else a for a in node.args]
        return node


class _Either(_Packets):
    """Both."""

    def instead(self, node: ast.Attribute, known: ast.expr | None) -> ast.expr:
        if node.attr == "five":
            return node.value
        return ast.IfExp(copy.deepcopy(node.value), node, known) if known else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        function = node.value.func if isinstance(node.value, ast.Call) else None
        if not isinstance(function, ast.Attribute) or not _is_packets(function.value) or function.attr not in BRANCHES:
            return self.generic_visit(node)
        direct = copy.deepcopy(node)
        direct.value.func = self.functions[function.attr]  # type: ignore[attr-defined]
        return ast.If(copy.deepcopy(function.value), [node], [direct])
