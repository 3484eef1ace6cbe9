"""Put a function that is called in one place where it is called.

A function of its own is how one reads it, and costs a board some hundred bytes of heap. Only what
is surely the same is done: private functions and methods (of `self`), called by a statement of their
own, with positional arguments, that return at their end or not at all; of those that only return something also
where they are called within an expression, and in several places, where the call takes about as many bytes.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from typing import NamedTuple

from tools.device import walk

# What is small stands wherever it is called, and what is called all the time in the functions that a message passes.
SMALL = ("_start_timer", "_flush", "_send_next", "check_free", "_one_step")
TWICE = ("call", "fixed_header")  # where these are called in two places at the most
OFTEN = {"enter": ("request", "step"), "send": ("send_message",), "now": ("_work", "step", "request")}
# When the frame of a call has more than 11 words, MicroPython allocates it on the heap, and frees it afterwards: that
# takes longer than the call. Its words are the variables, the intermediate results of the longest expression, and
# three for each level of `try`. Only what is given here is put into these functions, which every call passes.
LEAN = {"check_msg": ("_one_step",), "step": ("enter", "_work", "_read", "now"), "_work": ("_read", "now")}
# The variables that methods are called on: the class of each is known. The last one may be an attribute, too.
OBJECTS = ("self", "connection")


def inline(module: ast.Module, keep: frozenset[str], internal: frozenset[str] = frozenset()) -> ast.Module:
    """Inline in `module` what can be; `keep` has names that stay, `internal` those of methods without _ that
    no program calls."""
    while _one(module, keep, internal):
        pass
    return ast.fix_missing_locations(module)


def _references(module: ast.Module) -> Counter[str]:
    # How often each name, and each attribute (with a dot before it), is read.
    found: Counter[str] = Counter()
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found[node.id] += 1
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            found["." + node.attr] += 1
    return found


def _one(module: ast.Module, keep: frozenset[str], internal: frozenset[str]) -> bool:
    counts = _references(module)
    places = _places(module)
    for owner, function in walk.owned(module):
        if function.name in keep or not _plain(function):
            continue
        method = isinstance(owner, ast.ClassDef)
        private = function.name.startswith("_") and not function.name.startswith("__")
        if method and not private and function.name not in internal and function.name not in OFTEN:
            continue
        if method and _defined_elsewhere(module, owner, function.name):
            continue
        calls = counts["." * method + function.name]
        call = _Call(function, method, places.get(function.name, []))
        for caller in OFTEN.get(function.name, ()):
            if call.put(caller):
                return True
        if calls and _Expression(function, method).put(module, calls):
            owner.body.remove(function)
            return True
        if calls > 1 + (function.name in TWICE) and function.name not in SMALL:
            continue
        if calls and call.sites() == calls:
            while call.put():
                pass
            owner.body.remove(function)
            return True
    return False


class _Place(NamedTuple):
    """A block of statements with one that is a call, or has the result of one."""

    function: ast.FunctionDef
    block: list[ast.stmt]


def _places(module: ast.Module) -> dict[str, list[_Place]]:
    # By the name of what is called, of a function or of a method.
    found: dict[str, list[_Place]] = {}
    for function in (n for n in _walk_statements(module) if isinstance(n, ast.FunctionDef)):
        for node in _walk_statements(function):
            for block in _blocks(node):
                for statement in block:
                    call = _value(statement)
                    if isinstance(call, ast.YieldFrom):
                        call = call.value
                    if isinstance(call, ast.Call) and isinstance(call.func, (ast.Name, ast.Attribute)):
                        name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
                        found.setdefault(name, []).append(_Place(function, block))
    return found


def _value(statement: ast.stmt) -> ast.expr | None:
    # What a statement evaluates, which may be the call.
    return statement.exc if isinstance(statement, ast.Raise) else getattr(statement, "value", None)


def _walk_statements(root: ast.AST) -> list[ast.AST]:
    # As ast.walk, but without the expressions, which are most of the nodes.
    found = [root]
    for node in found:
        for block in _blocks(node):
            found += block
        found += getattr(node, "handlers", ())
    return found


def _blocks(node: ast.AST) -> list[list[ast.stmt]]:
    # The lists of statements of a node; a lambda has an expression for its body.
    fields = (getattr(node, field, None) for field in ("body", "orelse", "finalbody"))
    return [block for block in fields if isinstance(block, list)]


def _defined_elsewhere(module: ast.Module, owner: ast.AST, name: str) -> bool:
    others = [function for other, function in walk.owned(module) if other not in (owner, module)]
    return any(function.name == name for function in others)


def _plain(function: ast.FunctionDef) -> bool:
    a = function.args
    if a.vararg or a.kwarg or a.kwonlyargs or function.decorator_list:
        return False
    for node in ast.walk(function):
        if node is not function and isinstance(
            node, (ast.FunctionDef, ast.Lambda, ast.Global, ast.Nonlocal)
        ):
            return False
    return True


def _leaves_early(function: ast.FunctionDef) -> bool:
    # Whether it returns anywhere but at its end.
    return any(isinstance(n, ast.Return) and n is not function.body[-1] for n in ast.walk(function))


class _Call:
    def __init__(self, function: ast.FunctionDef, method: bool, places: list[_Place]) -> None:
        self.function = function
        self.method = method
        # Where the caller returns what it returns, it may do so anywhere.
        self.leaves_early = _leaves_early(function)
        self.waits = any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in ast.walk(function))
        own = (function.name,)
        forwards = len(function.body) == 1 and isinstance(function.body[0], ast.Expr)
        self.places = [
            p
            for p in places
            if p.function.name not in own and (forwards or function.name in LEAN.get(p.function.name, own))
        ]

    def sites(self) -> int:
        """How many calls could be replaced."""
        blocks = {id(p.block): p.block for p in self.places}.values()
        return sum(self._instead(statement) is not None for block in blocks for statement in block)

    def put(self, caller: str = "") -> bool:
        """Replace one call, in the function `caller` if there is a name, and say whether there was one."""
        for function, block in self.places:
            if caller in ("", function.name):
                for i, statement in enumerate(block):
                    instead = self._instead(statement)
                    if instead is not None:
                        block[i : i + 1] = instead
                        return True
        return False

    def _call(self, statement: ast.stmt) -> ast.Call | None:
        # The call that the statement is, if it can be replaced.
        call = _value(statement)
        if self.waits:
            call = call.value if isinstance(call, ast.YieldFrom) else None
        if not isinstance(call, ast.Call) or call.keywords or any(isinstance(a, ast.Starred) for a in call.args):
            return None
        return call if _is_it(call.func, self.function, self.method) else None

    def _instead(self, statement: ast.stmt) -> list[ast.stmt] | None:
        if not isinstance(statement, (ast.Expr, ast.Assign, ast.Return, ast.Raise)):
            return None
        call = self._call(statement)
        if not call or (self.leaves_early and not isinstance(statement, ast.Return)):
            return None
        function = copy.deepcopy(self.function)
        names = [a.arg for a in function.args.args]
        arguments = list(call.args)
        if self.method:
            names.pop(0)
        missing = len(names) - len(arguments)
        if missing:
            arguments += function.args.defaults[len(function.args.defaults) - missing :]
        assigned = walk.stored(function)
        out: list[ast.stmt] = []
        replace: dict[str, ast.expr] = {}
        suffix = "_in_" + function.name
        if self.method:
            replace["self"] = call.func.value  # type: ignore[attr-defined]
        for name, argument in zip(names, arguments):
            if isinstance(argument, (ast.Name, ast.Constant)) and name not in assigned:
                replace[name] = argument
            else:
                replace[name] = ast.Name(name + suffix, ast.Load())
                out.append(ast.Assign([ast.Name(name + suffix, ast.Store())], argument))
        for name in assigned - set(names):
            replace[name] = ast.Name(name + suffix, ast.Load())
        body = [_Rename(replace).visit(s) for s in function.body]
        if self.leaves_early:
            return out + body + [ast.Return(ast.Constant(None))]
        result: ast.expr = ast.Constant(None)
        if isinstance(body[-1], ast.Return):
            result = body.pop().value or result
        return out + body + _ending(statement, result)


def _is_it(func: ast.expr, function: ast.FunctionDef, method: bool) -> bool:
    if method:
        return (
            isinstance(func, ast.Attribute)
            and func.attr == function.name
            and (
                (isinstance(func.value, ast.Name) and func.value.id in OBJECTS)
                or (isinstance(func.value, ast.Attribute) and func.value.attr == OBJECTS[-1])
            )
        )
    return isinstance(func, ast.Name) and func.id == function.name


class _Expression(ast.NodeTransformer):
    """Puts what a function returns in the place of its calls, where that is all that it does."""

    def __init__(self, function: ast.FunctionDef, method: bool) -> None:
        self.function = function
        self.method = method
        self.calls = 0  # that can be replaced
        self.more = 0  # bytes that it takes more, about
        self.replaces = False
        self.inside = ""  # name of the function that is visited

    def put(self, module: ast.Module, calls: int) -> bool:
        """Do so in all of the module, if all calls can be replaced and it gets smaller; say whether it was done."""
        body = self.function.body
        if len(body) != 1 or not isinstance(body[0], ast.Return) or not body[0].value:
            return False
        self.visit(module)
        if self.calls != calls or self.more > FUNCTION_BYTES + _bytes(body[0].value):
            return False
        self.replaces = True
        self.visit(module)
        return True

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node is self.function or node.name in LEAN:
            return node
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        value = self.function.body[0].value  # type: ignore[attr-defined]
        names = [a.arg for a in self.function.args.args][self.method :]
        simple = not node.keywords and len(node.args) == len(names)
        if not simple or not _is_it(node.func, self.function, self.method) or not _in_order(value, names, node.args):
            return node
        known = dict(zip(names, node.args))
        if self.method:
            known["self"] = node.func.value  # type: ignore[attr-defined]
        new: ast.expr = _Rename(known).visit(copy.deepcopy(value))
        self.calls += 1
        self.more += _bytes(new) - _bytes(node)
        return new if self.replaces else node


# What a function takes besides what it does: an object, a place in a dict, a prelude, and half a block of memory.
FUNCTION_BYTES = 40


def _bytes(node: ast.AST) -> int:
    # About what an expression takes in an .mpy.
    sizes = {ast.Attribute: 2, ast.Call: 2, ast.IfExp: 4, ast.BoolOp: 2}
    return sum(sizes.get(type(n), 1) for n in ast.walk(node) if isinstance(n, ast.expr))


def _in_order(value: ast.expr, names: list[str], arguments: list[ast.expr]) -> bool:
    # Whether it makes no difference when the arguments are evaluated.
    uses = [n.id for n in ast.walk(value) if isinstance(n, ast.Name) and n.id in names]
    rest = {name: a for name, a in zip(names, arguments) if not isinstance(a, (ast.Name, ast.Constant))}
    if not rest:
        return True
    if not isinstance(value, ast.Call):
        return False
    if not any(_calls(node) for node in (*value.args, *rest.values())):
        return all(uses.count(name) == 1 for name in rest)
    return [a.id for a in value.args if isinstance(a, ast.Name)] == names == uses


def _calls(node: ast.expr) -> bool:
    return any(isinstance(n, (ast.Call, ast.Yield, ast.YieldFrom)) for n in ast.walk(node))


def _ending(statement: ast.Expr | ast.Assign | ast.Return | ast.Raise, result: ast.expr) -> list[ast.stmt]:
    # What is left of the statement with the call.
    if isinstance(statement, ast.Raise):
        return [ast.Raise(result)]
    if isinstance(statement, ast.Assign):
        same = ast.unparse(statement.targets[0]) == ast.unparse(result)
        return [] if same else [ast.Assign(statement.targets, result)]
    if isinstance(statement, ast.Return):
        return [ast.Return(result)]
    does_something = any(isinstance(node, (ast.Call, ast.Yield, ast.YieldFrom)) for node in ast.walk(result))
    return [ast.Expr(result)] if does_something else []


class _Rename(ast.NodeTransformer):
    def __init__(self, replace: dict[str, ast.expr]) -> None:
        self.replace = replace

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.replace:
            return node
        new = copy.deepcopy(self.replace[node.id])
        if isinstance(node.ctx, ast.Store):
            assert isinstance(new, ast.Name)
            new.ctx = ast.Store()
        return new
