"""The texts of exceptions, out of the way: the code has their numbers, and a file that is loaded when one is printed
has the words.

`raise ValueError("topic: empty")` becomes `raise in_words("topic", 3)`. That returns the exception, with its words as
far as the file is there and the memory for it, otherwise with the name alone. It is a method of MQTTException, too:
MicroPython prints what `__repr__` returns, whatever that is.
"""

from __future__ import annotations

import ast
from pathlib import Path

from tools.device import walk
from tools.device.merge import Device, Unmergeable, tag
from tools.device.rename import rename
from umqtt2.connection import UP
from umqtt2.errno import ERESPONSE

# Texts of these are for reading; the number, or the argument's name before the colon, says it too.
WITH_TEXTS = ("ValueError", "TypeError")
# Lines that are printed: these may be missing, or what stands after the colon.
PRINTED = ("umqtt2: the last will is told with the next connect()",)
HELPER = "in_words"
SOURCE = "errno"  # the module that has MQTTException
# A name that every MicroPython has: it costs no heap.
FORMAT = "format"
ECONNRESET = 104  # of Linux and lwIP
CERTIFICATE = "certificate"  # the function for what the VM says of one

WRONG = f"""
def {HELPER}(name, *more):
    try:
        from .texts import {FORMAT}
        name = {FORMAT}(name, more)
    except:
        if not more:
            return ValueError(type(name), getattr(name, 'args', ''))
    return (TypeError if more and more[0] < 0 else ValueError)(name)

class MQTTException(Exception):
    __repr__ = __str__ = {HELPER}
"""
FILE = """
def format(name, more):
    from sys import modules
    del modules['umqtt2.texts'], modules['umqtt2'].texts
    if isinstance(name, str) and not more:
        return certificate(name)
    if hasattr(name, 'client_id'):
        return shown(name)
    if more:
        text = name + ': ' + TEXTS[more[0]]
        for value in more[1:]:
            text %= type(value).__name__ if more[0] < 0 else value
        if name != 'msg':
            text = text.partition('; use str')[0]
        return text
    args = name.args
    if args[0] == 6 and 0 <= args[-1] < len(TEXTS) and args[1:]:
        args = 6, TEXTS[args[1]]
    text = describe(args)
    return text if text is RESET else 'MQTTException: ' + text
"""


class Texts:
    """The texts of a build.

    errors  of ValueErrors, and of what the broker sends: the number of each is its index
    types   of TypeErrors: their numbers are -1, -2, and so on
    """

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.types: list[str] = []

    def number(self, text: str, kind: str = "ValueError") -> ast.expr:
        """Return the number of a text as an expression."""
        texts = self.types if kind == "TypeError" else self.errors
        if text not in texts:
            texts.append(text)
        i = texts.index(text)
        return ast.UnaryOp(ast.USub(), ast.Constant(i + 1)) if kind == "TypeError" else ast.Constant(i)

    def file(self, source: Path) -> str:
        """Return the source of the file with the words; `source` is the package's."""
        module = ast.parse(source.read_text() + FILE)
        Device("texts", [], ()).visit(module)
        module.body = [s for s in module.body if isinstance(s, (ast.Assign, ast.FunctionDef))]
        for errors in (s.value for s in module.body if isinstance(s, ast.Assign)):
            if isinstance(errors, ast.Dict):
                # Numbers without words are those that the package never raises.
                pairs = [(k, v) for k, v in zip(errors.keys, errors.values) if ":" in ast.literal_eval(v)]
                errors.keys, errors.values = [k for k, _ in pairs], [v for _, v in pairs]
        module.body[:0] = ast.parse(f"UP = {UP}\nECONNRESET = {ECONNRESET}").body
        module.body.insert(0, ast.parse(f"TEXTS = {(*self.errors, *reversed(self.types))!r}").body[0])
        rename(module, frozenset({FORMAT}))
        return ast.unparse(ast.fix_missing_locations(module))


def collect(module: ast.Module, texts: Texts | None) -> None:
    """Take the texts of exceptions from a merged module that has nothing left but what the build needs, and make
    `malformed(text)` the exception itself.

    texts  where they go; None: they go altogether
    """
    _Collect(texts).visit(module)
    if not texts:
        return
    if HELPER in walk.stored(module):
        raise Unmergeable(f"{HELPER} is a variable, and the name of a function in builds")
    found = walk.classes(module)["MQTTException"]
    i = module.body.index(found)
    module.body[i : i + 1] = [tag(statement, SOURCE) for statement in ast.parse(WRONG).body]
    ast.fix_missing_locations(module)


class _Collect(ast.NodeTransformer):
    def __init__(self, texts: Texts | None) -> None:
        self.texts = texts

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        # In a build there is one function for all that is said.
        for alias in node.names:
            if alias.name == CERTIFICATE:
                alias.name, alias.asname = FORMAT, CERTIFICATE
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        called = walk.called(node)
        if called == CERTIFICATE:
            node.args.append(ast.Tuple([], ast.Load()))
        elif called == "print" and self.texts and getattr(node.args[0], "value", None) in PRINTED:
            name, words, _ = _parts(node.args[0])
            node.args = [ast.Call(ast.Name(HELPER, ast.Load()), [name, self.texts.number(words)], [])]
        elif called == "malformed":
            text = node.args[0].left if isinstance(node.args[0], ast.BinOp) else node.args[0]
            # What stands before the values says enough.
            words = ast.literal_eval(text).partition(": ")[0]
            number = [self.texts.number(words)] if self.texts else []
            return ast.Call(ast.Name("MQTTException", ast.Load()), [ast.Constant(ERESPONSE), *number], [])
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node.name == "__repr__":
            return ast.parse(f"__repr__ = {HELPER}").body[0] if self.texts else ast.Pass()
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        if node.name == "MQTTException":
            node.body = [ast.Pass()]
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        self.generic_visit(node)
        node.cause = None
        call, kind = node.exc, walk.called(node.exc)
        if not isinstance(call, ast.Call):
            return node
        if kind == "MQTTException" and isinstance(getattr(call.args[-1], "value", None), str):
            del call.args[1:]
        elif kind in WITH_TEXTS:
            name, text, value = _parts(call.args[0])
            if self.texts and text:
                values = [value] if value else []
                node.exc = ast.Call(ast.Name(HELPER, ast.Load()), [name, self.texts.number(text, kind), *values], [])
            else:
                call.args = [name]
        return node


def _parts(text: ast.expr) -> tuple[ast.expr, str, ast.expr | None]:
    # The name of the argument, what is wrong with it, and the value that belongs into that. "name: what is wrong",
    # "name: %d" % x, name + ": what is wrong", "%s: %d" % (name, x); of type(x).__name__ x itself.
    value: ast.expr | None = None
    name: ast.expr | None = None
    if isinstance(text, ast.BinOp):
        left, right = text.left, text.right
        if isinstance(text.op, ast.Add):
            return left, ast.literal_eval(right)[2:], None
        text, value = left, right
        if isinstance(value, ast.Tuple):
            name, value = value.elts
        if isinstance(value, ast.Attribute) and value.attr == "__name__" and isinstance(value.value, ast.Call):
            value = value.value.args[0]
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
        return text, "", None
    own, _, words = text.value.partition(": ")
    return name or ast.Constant(own), words, value
