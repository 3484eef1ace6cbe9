"""Put a function that is called in one place where it is called.

    self._start_timer()   ->   self._looked = self.now()
                               self._time_left = self._limit

A function of its own is how one reads it, and costs a board some hundred bytes of heap. Only what
is surely the same is done: private functions and methods (of `self`), called by a statement of their
own, with positional arguments, that return at their end or not at all; of those that only return something also
where they are called within an expression, and in several places, where the call takes about as many bytes.
"""

from __future__ import annotations

import ast
import copy
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
ITSELF = ("leave",)  # what stays a function of its own: `connect` would need a larger piece of memory
# The variables that methods are called on: the class of each is known. The last one may be an attribute, too.
OBJECTS = ("self", "connection")
# What a function takes besides what it does: an object, a place in a dict, a prelude, and half a block of memory.
FUNCTION_BYTES = 40
OPAQUE = (ast.FunctionDef, ast.Lambda, ast.Global, ast.Nonlocal)


class Site(NamedTuple):
    """A statement that is a call, or has the result of one, and where it stands."""

    caller: ast.FunctionDef
    block: list[ast.stmt]
    statement: ast.stmt
    call: ast.Call
    waits: bool  # `yield from` stands before it


def inline(module: ast.Module, keep: frozenset[str], internal: frozenset[str] = frozenset()) -> ast.Module:
    """Inline in `module` what can be; `keep` has names that stay, `internal` those of methods without _ that
    no program calls."""
    while _inline_one(module, keep, internal):
        pass
    for function in walk.functions(module):
        walk.share(function, f"self.{OBJECTS[-1]}")  # a client's is always the same
    return ast.fix_missing_locations(module)


def _inline_one(module: ast.Module, keep: frozenset[str], internal: frozenset[str]) -> bool:
    # Inline one function, and say whether there was one.
    counts = walk.references(module)
    sites = _sites(module)
    for owner, function in walk.owned(module):
        name, method = function.name, isinstance(owner, ast.ClassDef)
        key = f".{name}" if method else name
        private = name in internal or (name.startswith("_") and not name.startswith("__"))
        if name in (*keep, *ITSELF) or (method and not private and name not in OFTEN) or not _is_plain(function):
            continue
        if method and any(other is not owner and name in walk.bound(other) for other in walk.classes(module).values()):
            continue
        here = [site for site in sites.get(key, ()) if _is_replaced(site, function, method)]
        often = [site for site in here if site.caller.name in OFTEN.get(name, ())]
        calls = counts[key]
        if often:
            here = often
        elif calls and _Expression(function, method).put(module, calls):
            owner.body.remove(function)
            return True
        elif not calls or len(here) < calls or (calls > (2 if name in TWICE else 1) and name not in SMALL):
            continue
        else:
            owner.body.remove(function)
        for site in here:
            at = site.block.index(site.statement)
            site.block[at : at + 1] = _instead(site, function, method)
        return True
    return False


def _sites(module: ast.Module) -> dict[str, list[Site]]:
    # By the key of what is called.
    found: dict[str, list[Site]] = {}
    for _, caller in walk.owned(module):
        for block in walk.blocks(caller):
            for s in block:
                if isinstance(s, (ast.Expr, ast.Assign, ast.Return, ast.Raise)):
                    value = s.exc if isinstance(s, ast.Raise) else s.value
                    call = value.value if isinstance(value, ast.YieldFrom) else value
                    if isinstance(call, ast.Call):
                        found.setdefault(walk.called(call), []).append(Site(caller, block, s, call, call is not value))
    return found


def _is_plain(function: ast.FunctionDef) -> bool:
    a = function.args
    opaque = any(isinstance(node, OPAQUE) for node in ast.walk(function) if node is not function)
    return not (a.vararg or a.kwarg or a.kwonlyargs or function.decorator_list or opaque)


def _arguments(function: ast.FunctionDef, method: bool) -> list[str]:
    # Their names, without `self`.
    names = [arg.arg for arg in function.args.args]
    return names[1:] if method else names


def _is_replaced(site: Site, function: ast.FunctionDef, method: bool) -> bool:
    # Whether the function can stand there.
    lean = site.caller.name in LEAN and function.name not in LEAN[site.caller.name]
    if site.caller is function or (lean and not (len(function.body) == 1 and isinstance(function.body[0], ast.Expr))):
        return False
    # What returns anywhere but at its end may do so where the caller returns what it returns.
    leaves_early = _leaves_early(function) and not isinstance(site.statement, ast.Return)
    return not leaves_early and site.waits == walk.is_generator(function) and _is_known(site.call, method)


def _leaves_early(function: ast.FunctionDef) -> bool:
    return any(isinstance(n, ast.Return) and n is not function.body[-1] for n in ast.walk(function))


def _is_known(call: ast.Call, method: bool) -> bool:
    # Whether it is surely our function that is called, with plain arguments.
    if call.keywords or any(isinstance(a, ast.Starred) for a in call.args):
        return False
    held = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    return not method or walk.is_name(held, *OBJECTS) or walk.holder(held) == OBJECTS[-1]


def _instead(site: Site, function: ast.FunctionDef, method: bool) -> list[ast.stmt]:
    # The statements in the place of one.
    function = copy.deepcopy(function)
    names = _arguments(function, method)
    arguments = list(site.call.args)
    defaults = function.args.defaults
    arguments += defaults[len(defaults) - (len(names) - len(arguments)) :] if len(names) > len(arguments) else []
    assigned = walk.stored(function)
    out: list[ast.stmt] = []
    new: dict[str, str | ast.expr] = {name: f"{name}_in_{function.name}" for name in {*names, *assigned}}
    if method:
        new["self"] = site.call.func.value  # type: ignore[attr-defined]
    for name, argument in zip(names, arguments):
        if isinstance(argument, (ast.Name, ast.Constant)) and name not in assigned:
            new[name] = argument
        else:
            out.append(ast.Assign([ast.Name(f"{name}_in_{function.name}", ast.Store())], argument))
    replaced = walk.Replaced(new)
    body = [replaced.visit(s) for s in function.body]
    if _leaves_early(function):
        return [*out, *body, ast.Return(ast.Constant(None))]
    result: ast.expr = ast.Constant(None)
    if isinstance(body[-1], ast.Return):
        result = body.pop().value or result
    return out + body + _ending(site.statement, result)


def _ending(statement: ast.stmt, result: ast.expr) -> list[ast.stmt]:
    # What is left of the statement with the call.
    if isinstance(statement, ast.Raise):
        return [ast.Raise(result)]
    if isinstance(statement, ast.Assign):
        same = ast.unparse(statement.targets[0]) == ast.unparse(result)
        return [] if same else [ast.Assign(statement.targets, result)]
    if isinstance(statement, ast.Return):
        return [ast.Return(result)]
    return [ast.Expr(result)] if walk.calls(result) else []


class _Expression(ast.NodeTransformer):
    """Puts what a function returns in the place of its calls, where that is all that it does."""

    def __init__(self, function: ast.FunctionDef, method: bool) -> None:
        self.function = function
        self.method = method
        self.key = f".{function.name}" if method else function.name
        self.names = _arguments(function, method)
        self.calls = 0  # that can be replaced
        self.more = 0  # bytes that it takes more, about
        self.replaces = False

    def put(self, module: ast.Module, calls: int) -> bool:
        """Do so in all of the module, if all calls can be replaced and it gets smaller; say whether it was done."""
        body = self.function.body
        if len(body) != 1 or not isinstance(body[0], ast.Return) or not body[0].value:
            return False
        self.value = body[0].value
        self.visit(module)
        self.replaces = self.calls == calls and self.more <= FUNCTION_BYTES + _bytes(self.value)
        if self.replaces:
            self.visit(module)
        return self.replaces

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node if node is self.function or node.name in LEAN else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        known = walk.called(node) == self.key and _is_known(node, self.method)
        if not known or len(node.args) != len(self.names) or not _in_order(self.value, self.names, node.args):
            return node
        new = dict(zip(self.names, node.args))
        if self.method:
            new["self"] = node.func.value  # type: ignore[attr-defined]
        instead: ast.expr = walk.Replaced(new).visit(copy.deepcopy(self.value))
        self.calls += 1
        self.more += _bytes(instead) - _bytes(node)
        return instead if self.replaces else node


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
    if not any(walk.calls(node) for node in (*value.args, *rest.values())):
        return all(uses.count(name) == 1 for name in rest)
    return [a.id for a in value.args if isinstance(a, ast.Name)] == names == uses
