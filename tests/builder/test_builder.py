"""The builder: a smaller program behaves the same, and unsafe changes are not made."""

from __future__ import annotations

import ast
import builtins
import re
import subprocess
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from tools import fetch
from tools.device import PROFILES, builder, install, once, split
from tools.device.compiler import mpy_cross
from tools.device.constants import constants
from tools.device.inline import inline
from tools.device.merge import Unmergeable, merge
from tools.device.names import FREE, MORE, PLAIN, UNUSUAL
from tools.device.order import order
from tools.device.rename import rename
from tools.device.reuse import reuse
from tools.device.texts import Texts, collect
from tools.device.unused import silent, unused
from tools.device.versions import versions
from tools.testkit import vm
from tools.testkit.tree import device_sources

NOTHING: frozenset[str] = frozenset()

sources = lru_cache(builder.sources)


def package(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def inlined(source: str) -> str:
    return ast.unparse(inline(ast.parse(source), NOTHING))


def run(source: str, expression: str) -> object:
    names: dict[str, object] = {}
    exec(source, names)
    return eval(expression, names)


def test_modules_merge_in_the_order_of_their_imports(tmp_path: Path) -> None:
    root = package(
        tmp_path,
        top='from .below import f\n\ndef g(x: "int") -> "int":\n    "Doc."\n    return f(x) + 1\n',
        below='TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import typing\n\ndef f(x):\n    return x * 2\n',
    )
    merged = ast.unparse(merge(root, ("top",)))
    assert run(merged, "g(3)") == 7
    assert "typing" not in merged and "Doc" not in merged and "int" not in merged


def test_two_modules_may_use_one_name(tmp_path: Path) -> None:
    root = package(
        tmp_path,
        top="from .below import C as Below, f\n\nN = 2\n\n"
        "class C(Below):\n    N = 9\n    def h(self):\n        return super().h(), N, f()\n",
        below="N = 1\n\ndef f():\n    return N\n\nclass C:\n    def h(self):\n        return N\n",
    )
    merged = ast.unparse(merge(root, ("top",), front=frozenset({"C"})))
    assert run(merged, "C().h()") == (1, 2, 1)
    assert run(merged, "C.N") == 9


def test_a_variable_with_the_name_of_a_function_does_not_merge(tmp_path: Path) -> None:
    root = package(tmp_path, top="def f():\n    pass\n\ndef g():\n    f = 1\n    return f\n")
    with pytest.raises(Unmergeable, match="variable f"):
        merge(root, ("top",))


def test_what_a_profile_leaves_out_says_so(tmp_path: Path) -> None:
    top = "def f():\n    from .extra import g\n    return g()\n"
    root = package(tmp_path, top=top, extra="def g():\n    return 1\n")
    with pytest.raises(ImportError, match="has no extra"):
        run(ast.unparse(merge(root, ("top",))), "f()")


def test_constants_stand_where_their_names_stood() -> None:
    source = "A = 5\nB = A\nC = bytes((A, 6))\ndef f():\n    return A, B, C\n"
    module = ast.parse(source)
    constants(module)
    small = ast.unparse(module)
    assert run(small, "f()") == (5, 5, b"\x05\x06")
    assert "A" not in small


def test_texts_of_errors_go_but_not_the_name_of_the_argument() -> None:
    module = ast.parse("def f():\n    raise ValueError('topic: empty')\n")
    collect(module, None)
    with pytest.raises(ValueError, match="^topic$"):
        run(ast.unparse(module), "f()")


SITES = {
    "ValueError('topic: empty')": "in_words('topic', 0)",
    "ValueError('qos: not %d' % highest)": "in_words('qos', 1, highest)",
    "ValueError(name + ': too long')": "in_words(name, 2)",
    "TypeError('%s: not %s' % (name, type(value).__name__))": "in_words(name, -1, value)",
    "MQTTException(50, 'full')": "MQTTException(50)",
    "MQTTException(51, number)": "MQTTException(51, number)",
    "malformed('bad: 0x%02x' % first)": "MQTTException(6, 3)",
    "ValueError(why)": "ValueError(why)",
}


def test_texts_of_errors_become_numbers() -> None:
    lines = "".join(f"def f{i}():\n    raise {site}\n" for i, site in enumerate(SITES))
    module = ast.parse("class MQTTException(Exception):\n    pass\n" + lines)
    found = Texts()
    collect(module, found)
    functions = [s for s in module.body if isinstance(s, ast.FunctionDef) and s.name != "in_words"]
    assert [ast.unparse(s.body[0])[len("raise ") :] for s in functions] == list(SITES.values())
    assert (found.errors, found.types) == (["empty", "not %d", "too long", "bad"], ["not %s"])


def test_a_variable_with_the_name_of_the_function_for_words_does_not_build() -> None:
    module = ast.parse("class MQTTException(Exception):\n    pass\n\ndef f(a):\n    in_words = a\n")
    with pytest.raises(Unmergeable, match="in_words"):
        collect(module, Texts())


def test_a_call_goes_where_its_result_is_raised() -> None:
    small = inlined("def g(a):\n    return OSError(a)\n\ndef f(a):\n    raise g(a)\n")
    assert "def g" not in small
    with pytest.raises(OSError, match="12"):
        run(small, "f(12)")


def test_a_function_called_once_goes_where_it_is_called() -> None:
    source = """
def add(a, b=10):
    a += 1
    c = a + b
    return c

def f(a):
    c = 100
    b = add(a)
    return a, b, c
"""
    small = inlined(source)
    assert "def add" not in small
    assert run(small, "f(1)") == run(source, "f(1)") == (1, 12, 100)


def test_a_method_called_once_goes_where_it_is_called() -> None:
    source = """
class C:
    def __init__(self):
        self.n = 0

    def _step(self, by):
        self.n += by

    def run(self):
        for i in range(4):
            self._step(i)
        return self.n
"""
    small = inlined(source)
    assert "_step" not in small
    assert run(small, "C().run()") == 6


@pytest.mark.parametrize(
    "function",
    [
        "def g(a):\n    if a:\n        return 1\n    return 2\n",  # returns early
        "def g(a):\n    yield a\n",
        "def g(*a):\n    return a\n",
        "def g(a):\n    return [lambda: a]\n",
    ],
)
def test_what_cannot_be_inlined_stays(function: str) -> None:
    source = function + "\ndef f(a):\n    b = g(a)\n    return b\n"
    assert "def g" in inlined(source)


def test_a_function_called_in_two_places_or_within_an_expression_stays() -> None:
    g = "def g(a):\n    if a:\n        a += 1\n    return a\n\n"
    twice = g + "def f(a):\n    b = g(a)\n    c = g(b)\n    return c\n"
    within = g + "def f(a):\n    return [a, g(a)]\n"
    assert "def g" in inlined(twice)
    assert "def g" in inlined(within)


def test_what_only_returns_something_goes_into_expressions() -> None:
    source = "def g(a):\n    return a + 1\n\ndef f(a):\n    return [g(a), g(a), g(2)]\n"
    assert "def g" not in inlined(source)
    assert run(inlined(source), "f(1)") == [2, 2, 3]
    method = (
        "class C:\n    n = 5\n    def _g(self, a, b):\n        return max(a, b)\n"
        "    def f(self):\n        return self._g(self.n + 1, self.h()) or self._g(1, 2)\n"
        "    def h(self):\n        return 3\n"
    )
    assert "_g" not in inlined(method)
    assert run(inlined(method), "C().f()") == 6


@pytest.mark.parametrize(
    ("g", "call"),
    [
        ("def g(a, b):\n    return b - a", "g(h(), h())"),  # the other way round
        ("def g(a):\n    return a + a", "g(h())"),  # twice
        ("def g(a, b):\n    return a and b", "g(h(), h())"),  # perhaps not at all
        ("def g(a):\n    return [h(), a]", "g(h())"),  # later
    ],
)
def test_what_a_call_evaluates_is_evaluated_as_before(g: str, call: str) -> None:
    source = f"n = [0, 9]\n\ndef h():\n    return n.pop()\n\n{g}\n\ndef f():\n    return [{call}]\n\n"
    assert "def g" in inlined(source)


def test_an_expression_of_many_bytes_stands_in_one_place() -> None:
    g = "def g(a):\n    return " + " + ".join(["a.b"] * 9) + "\n\n"
    assert "def g" not in inlined(g + "def f(a):\n    return [g(a), g(a)]\n")
    assert "def g" in inlined(g + "def f(a):\n    return [g(a), g(a), g(a), g(a)]\n")


def test_a_generator_waited_for_in_one_place_stands_there() -> None:
    source = (
        "def g(a):\n    b = yield a\n    return b\n\n"
        "def f(a):\n    try:\n        c = yield from g(a + 1)\n    except ValueError:\n        c = 9\n    yield c\n"
    )
    assert "def g" not in inlined(source)
    for throws in False, True:
        names: dict[str, Any] = {}
        exec(inlined(source), names)
        f = names["f"](1)
        assert next(f) == 2
        assert (f.throw(ValueError()) if throws else f.send(5)) == (9 if throws else 5)


def test_private_names_become_names_that_cost_nothing() -> None:
    module = ast.parse("""
def helper(text):
    return text + "!"

class MQTTClient:
    def __init__(self, user):
        self.user = user
        self._greeting = "hello "

    def greet(self, name="you"):
        return self._say(self._greeting + name)

    def _say(self, text):
        return helper(text)
""")
    rename(module, frozenset({"MQTTClient"}))
    small = ast.unparse(module)
    assert run(small, 'MQTTClient(user="u").greet(name="me")') == "hello me!"
    for name in ("helper", "_greeting", "_say", "text"):
        assert name not in small


MISLEADING = {name for kind in (builtins, str, list, dict) for name in dir(kind)}


def functions(source: str) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("profile", PROFILES)
def test_no_function_is_renamed_to_what_a_reader_of_a_traceback_takes_for_pythons(profile: str) -> None:
    own = {name for path in device_sources() for name in functions(path.read_text().replace("async def", "def"))}
    made = {name for file, source in sources(profile).items() if file != "texts" for name in functions(source)}
    assert not (made - own) & MISLEADING


@pytest.mark.parametrize("executable", [fetch.vm32, fetch.vm_newest])
def test_every_micropython_has_the_names_that_replace_others(executable: Callable[[], Path], tmp_path: Path) -> None:
    names = {name for name in (*FREE, *MORE, *PLAIN, *UNUSUAL) if name.isidentifier()}
    (tmp_path / "names.py").write_text("\n".join(f"def f(): x.{name}" for name in sorted(names)))
    subprocess.run([str(mpy_cross()), "-o", "names.mpy", "names.py"], cwd=tmp_path, check=True)
    (tmp_path / "names.py").unlink()
    program = "from micropython import qstr_info\nqstr_info()\nimport names\nqstr_info()"
    output = vm.run(executable(), tmp_path, 256, "-c", program).stdout
    counts = [line.partition("n_qstr=")[2].split(",")[0] for line in output.splitlines() if "n_qstr" in line]
    before, after = map(int, counts)
    assert after - before <= len(("names", "x", "f", "names.py", "names.mpy")), output


@pytest.mark.parametrize("profile", [name for name in PROFILES if name != "aio"])
def test_every_profile_keeps_the_names_that_programs_use(profile: str) -> None:
    tree = ast.parse(sources(profile)["__init__"])
    classes = [s for s in tree.body if isinstance(s, ast.ClassDef)]
    # The client, and where it has QoS 2 the class that it derives from.
    methods = {
        f.name: [a.arg for a in f.args.args]
        for name in ("publish", "wait_msg")
        for c in classes
        if any(isinstance(f, ast.FunctionDef) and f.name == name for f in c.body)
        for f in c.body
        if isinstance(f, ast.FunctionDef)
    }
    assigned = {ast.unparse(s.targets[0]) for s in tree.body if isinstance(s, ast.Assign)}
    assert {"MQTTClient", "MQTTException"} <= assigned | {c.name for c in classes}
    large = ["length"] if profile == "full" else []
    assert methods["publish"] == ["self", "topic", "msg", "retain", "qos", "dup", *large]
    assert methods["subscribe"] == ["self", "topic", "qos"]
    assert methods["set_last_will"] == ["self", "topic", "msg", "retain", "qos"]
    assert methods["connect"] == ["self", "clean_session", *(["eager"] if profile != "core" else [])]
    assert methods["__init__"][1:5] == ["client_id", "server", "port", "user"]
    assert {"disconnect", "ping", "wait_msg", "check_msg", "unsubscribe", "set_callback"} <= methods.keys()


def test_the_profile_for_asyncio_keeps_the_names_that_programs_use() -> None:
    files = sources("aio")
    tree = ast.parse(files["aio"])
    client = next(s for s in tree.body if isinstance(s, ast.ClassDef) and s.name == "MQTTClient")
    methods = {f.name: [a.arg for a in f.args.args] for f in client.body if isinstance(f, ast.FunctionDef)}
    assert methods["publish"] == ["self", "topic", "msg", "retain", "qos"]
    assert methods["messages"] == ["self", "queue"]
    assert methods["next"] == ["self", "timeout"]
    made = next(s for s in reversed(ast.parse(files["start"]).body) if isinstance(s, ast.FunctionDef))
    assert [a.arg for a in made.args.args][1:5] == ["client_id", "server", "port", "user"]
    assert {"connect", "disconnect", "subscribe", "unsubscribe", "is_connected", "connect_now"} <= methods.keys()
    assert "namedtuple('Message', ['topic', 'payload', 'retain', 'qos', 'dup'])" in files["aio"]
    assert "MQTTException" in files["__init__"] and files["__init__"].count("import") == 1
    for name in ("last_error", "dropped", "up", "down"):
        assert f"self.{name} = " in files["start"]


FIVE = {
    "Topic.__init__": ["name", "expiry", "content", "response", "correlation", "user", "text", "delay"],
    "Options": ["qos", "no_local", "as_published", "retained", "identifier"],
    "V5.__init__": ["expiry", "window", "largest", "aliases", "user"],
    "V5.properties": [],
    "V5.reply": ["properties"],
    "V5.disconnect": ["client", "reason", "expiry"],
    "Requests.__init__": ["client", "five", "topic"],
    "Requests.ask": ["topic", "msg", "timeout", "qos"],
    "Requests.ask_and_wait": ["topic", "msg", "timeout", "qos"],
}


@pytest.mark.parametrize("profile, file", [("full", "v5"), ("simple5", "__init__")])
def test_version_5_keeps_the_names_that_programs_use(profile: str, file: str) -> None:
    files = sources(profile)
    found: dict[str, list[str]] = {}
    for source in (files[file], files["requests"]):
        for s in ast.parse(source).body:
            for f in [s, *(s.body if isinstance(s, ast.ClassDef) else [])]:
                if isinstance(f, ast.FunctionDef):
                    name = f.name if f is s else f"{getattr(s, 'name', '')}.{f.name}"
                    found[name] = [a.arg for a in f.args.args if a.arg != "self"]
    assert {name: found.get(name) for name in FIVE} == FIVE
    assert "self.reason = " in files[file] and "self.encoded = " in files[file]
    names: dict[str, object] = {}
    exec(files["properties"], names)
    assert names["REASON_STRING"] == 0x1F


def test_version_5_is_loaded_when_it_is_imported() -> None:
    for name, source in sources("full").items():
        imported = {n.module for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ImportFrom)}
        assert "umqtt2.v5" not in imported or name == "requests"
    assert "umqtt2.v5" not in ast.unparse(ast.parse(sources("simple5")["requests"]))
    for profile in ("core", "simple", "aio"):
        assert not {"v5", "requests", "properties"} & set(sources(profile))


VERSIONS = """
def publish(n):
    return ("3.1.1", n)

class V311:
    publish = staticmethod(publish)
    five = False

class V5:
    def __init__(self):
        self.sent = 0
    def publish(self, n):
        self.sent += n
        return ("5", self.sent)
    def check(self, n):
        if n > 9:
            raise ValueError("n")

class Connection:
    def __init__(self, packets):
        self.packets = packets
    def send(self, n):
        if self.packets.five:
            self.packets.check(n)
        sent = self.packets.publish(n)
        return sent

def make(packets=V311):
    return Connection(packets)
"""


def test_with_two_versions_each_client_has_its_own() -> None:
    module = ast.parse(VERSIONS)
    versions(module)
    small = ast.unparse(ast.fix_missing_locations(module))
    assert "V311" not in small
    assert run(small, "make().send(100)") == ("3.1.1", 100)
    assert run(small, "[make(packets=five).send(n) for five in [V5()] for n in (3, 4)]") == [("5", 3), ("5", 7)]
    with pytest.raises(ValueError, match="n"):
        run(small, "make(V5()).send(10)")


def test_with_version_5_alone_a_client_gets_an_object_of_it() -> None:
    module = ast.parse(VERSIONS)
    versions(module, only_five=True)
    small = ast.unparse(ast.fix_missing_locations(module))
    assert "V311" not in small and ".five" not in small and ".check(" not in small
    assert run(small, "[make().send(3), make(V5()).send(4)]") == [("5", 3), ("5", 4)]
    with pytest.raises(ValueError, match="n"):
        run(small, "make().send(10)")


def test_calls_of_what_does_nothing_go_with_what_was_tried() -> None:
    module = ast.parse(
        "class A:\n    def log(self, n):\n        pass\n    def f(self, x):\n        x += 1\n"
        "        try:\n            self.log(x)\n        except ValueError:\n            raise\n"
        "        if x:\n            self.log(1)\n        return x\n"
    )
    silent(module)
    small = ast.unparse(ast.fix_missing_locations(module))
    assert "log" not in small and "try" not in small and "if" not in small
    assert run(small, "A().f(1)") == 2


def test_what_was_asked_before_a_call_that_goes_is_still_asked() -> None:
    source = (
        "class A:\n    n = 0\n    def log(self):\n        pass\n    def ask(self):\n        self.n += 1\n"
        "        return self.n\n    def f(self):\n        if self.ask():\n            self.log()\n"
        "        return self.n\n"
    )
    module = ast.parse(source)
    silent(module)
    assert run(ast.unparse(ast.fix_missing_locations(module)), "A().f()") == 1


def test_a_method_that_does_something_elsewhere_is_called() -> None:
    source = (
        "class A:\n    def log(self):\n        pass\n    def f(self):\n        self.log()\n        return self\n"
        "class B(A):\n    n = 0\n    def log(self):\n        self.n = 1\n"
    )
    module = ast.parse(source)
    silent(module)
    assert run(ast.unparse(ast.fix_missing_locations(module)), "B().f().n") == 1


def test_an_argument_that_an_exception_shares_its_name_with_is_renamed_with_it() -> None:
    source = (
        "def _f(f):\n    try:\n        f()\n    except ValueError as f:\n        return f.args[0]\n\n"
        "def g(x):\n    return int(x)\n\ndef h():\n    return _f(lambda: g('no number'))\n"
    )
    module = ast.parse(source)
    rename(module, frozenset({"g", "h"}))
    assert "no number" in str(run(ast.unparse(module), "h()"))


def test_a_file_imports_only_what_it_uses() -> None:
    for name, source in sources("full").items():
        tree = ast.parse(source)
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        for node in tree.body:
            # A file that has nothing of its own fetches what is elsewhere.
            if isinstance(node, ast.ImportFrom) and len(tree.body) > 1 and name not in ("errno", "__init__"):
                assert {alias.name for alias in node.names} <= used, name


def test_attributes_get_no_name_that_a_subclass_would_use() -> None:
    tree = ast.parse(sources("full")["__init__"])
    client = next(
        owner
        for owner in tree.body
        if isinstance(owner, ast.ClassDef)
        and any(isinstance(s, ast.FunctionDef) and s.name == "publish" for s in owner.body)
    )
    # Those that it sets: a variable may have taken the place of `self` by the end of a method.
    attributes = [n for n in ast.walk(client) if isinstance(n, ast.Attribute)]
    found = {n.attr for n in attributes if _is_stored(n) and _is_self(n.value)}
    assert not found & {"_last", "request"}  # they were renamed at all
    assert not found & {"format", "hash", "index", "find", "append", "items", "count", "copy", "get", "dir"}
    assert not found & {"topic", "payload", "pid", "state", "want", "name", "value", "key", "id", "busy", "close"}


def _is_stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def test_a_profile_is_made_anew_only_when_a_source_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "umqtt2" / "errno.py"
    source.parent.mkdir()
    source.write_text("A = 1\n")
    made = []

    def made_of(profile: str) -> dict[str, str]:
        made.append(profile)
        return {"errno": source.read_text()}

    monkeypatch.setattr(builder, "ROOT", source.parent)
    monkeypatch.setattr(builder, "BUILD", tmp_path / "build")
    monkeypatch.setattr(builder, "sources", made_of)

    def installed(profile: str) -> bytes:
        install(profile, tmp_path / "lib")
        return (tmp_path / "lib" / "umqtt2" / "errno.mpy").read_bytes()

    first = installed("core")
    assert installed("core") == installed("full") == first
    assert made == ["core", "full"]
    source.write_text("B = 1\n")
    assert installed("core") != first
    assert made == ["core", "full", "core"]


def test_core_asked_for_tls_says_what_is_missing(tmp_path: Path) -> None:
    install("core", tmp_path)
    program = "from umqtt2 import MQTTClient; MQTTClient('id', 'localhost', ssl=True).connect()"
    done = vm.run(fetch.vm32(), tmp_path, 64, "-c", program)
    assert done.returncode
    assert "ImportError: this build of umqtt2 has no transport.tls" in done.stdout


REUSED = [
    # One after the other, in a loop, and what a loop's next round still needs.
    ("def f(a):\n    b = a + 1\n    c = b + 1\n    d = c + 1\n    return d\n", "f(1)", 4),
    (
        "def f(n):\n    out = []\n    for i in range(n):\n        a = i + 1\n        b = a * 2\n"
        "        c = b + 1\n        out.append(c)\n    return out\n",
        "f(3)",
        [3, 5, 7],
    ),
    (
        "def f(n):\n    last = 0\n    out = []\n    while n:\n        out.append(last)\n        k = n * 2\n"
        "        last = k\n        n -= 1\n    return out\n",
        "f(3)",
        [0, 6, 4],
    ),
    (
        "def f(n):\n    first = None\n    for i in range(n):\n        if i == 0:\n            first = 'x'\n"
        "        a = i\n        b = a + 1\n        if b == n:\n            return first\n",
        "f(3)",
        "x",
    ),
    (
        "def f(n):\n    while n:\n        n -= 1\n        if n == 3:\n            kept = n\n"
        "        a = n + 1\n        b = a + 1\n    return kept\n",
        "f(6)",
        3,
    ),
    (
        "def f(a):\n    error = None\n    for n in a:\n        try:\n            b = 1 // n\n"
        "            return b\n        except ZeroDivisionError as e:\n            error = e\n"
        "    raise error\n",
        "f([0, 1])",
        1,
    ),
]


@pytest.mark.parametrize(("source", "expression", "result"), REUSED)
def test_variables_share_names_and_the_function_does_the_same(
    source: str, expression: str, result: object
) -> None:
    module = ast.parse(source)
    reuse(module)
    assert run(ast.unparse(module), expression) == run(source, expression) == result


def test_variables_share_names_at_all_and_super_keeps_its_self() -> None:
    module = ast.parse(REUSED[0][0])
    reuse(module)
    assert len({n.id for n in ast.walk(module) if isinstance(n, ast.Name)}) == 1
    source = """
class A:
    def f(self):
        return self

class B(A):
    def f(self):
        a = str(type(self))
        b = super().f()
        return a and b
"""
    module = ast.parse(source)
    reuse(module)
    names: dict[str, Any] = {}
    exec(ast.unparse(module), names)
    b = names["B"]()
    assert b.f() is b


def test_a_function_at_the_top_used_within_a_class_keeps_apart_from_its_attributes() -> None:
    source = """
def double(x):
    return x * 2

class MQTTClient:
    _a = 1
    _b = double(1)

    def f(self, n=double(4)):
        return self._a, self._b, n, double(n)
"""
    module = ast.parse(source)
    rename(module, frozenset({"MQTTClient"}))
    small = ast.unparse(module)
    assert "double" not in small
    assert run(small, "MQTTClient().f()") == (1, 2, 8, 16)


def test_a_variable_that_its_own_call_overwrites_changes_when_the_call_returns() -> None:
    g = "def g(a):\n    a = a + 1\n    return a * 2\n\n"
    plain = g + "def f(x):\n    x = g(x)\n    return x\n"
    assert run(inlined(plain), "f(1)") == run(plain, "f(1)") == 4
    # Here it would be seen: the second argument, and what is left when it fails.
    seen = "def g(a, b):\n    a = a + 1\n    return a + b\n\ndef f(x):\n    x = g(x, x)\n    return x\n"
    assert run(inlined(seen), "f(1)") == run(seen, "f(1)") == 3
    failed = (
        "def g(a):\n    a = a + 1\n    return a // 0\n\n"
        "def f(x):\n    try:\n        x = g(x)\n    except ZeroDivisionError:\n        pass\n    return x\n"
    )
    assert run(inlined(failed), "f(1)") == run(failed, "f(1)") == 1


def test_more_functions_than_names_still_have_names_of_their_own() -> None:
    # Those that a class uses when it is made get theirs first.
    many = [f"function_{i}" for i in range(200)]
    source = "\n".join(f"def {name}():\n    return {i}" for i, name in enumerate(many))
    source += "\nclass C:\n" + "\n".join(f"    attribute_{i} = {name}()" for i, name in enumerate(many[:100]))
    module = ast.parse(source)
    rename(module, frozenset({"C"}))
    names = [s.name for s in module.body if isinstance(s, ast.FunctionDef)]
    assert len(set(names)) == len(many)


def test_a_file_of_many_names_is_smaller_with_the_frequent_ones_first(tmp_path: Path) -> None:
    lines = [f"def a{i}(b{i}, *c{i}): return b{i}.d{i}(*c{i}, e{i}='text{i}')" for i in range(60)]
    lines.append("def last(x):\n try: return x" + ".often" * 99 + "\n except ValueError as late: print(late)")
    lines.append("print(1)")
    source = "\n".join(lines) + "\n"
    assert order(lines[0]) == lines[0]
    sizes = []
    for name, text in ("plain", source), ("ordered", order(source)):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        subprocess.run([str(mpy_cross()), "-O3", str(path)], check=True)
        sizes.append(path.with_suffix(".mpy").stat().st_size)
    assert sizes[0] - sizes[1] > 50
    # Nothing in front is executed.
    assert subprocess.run([str(fetch.vm32()), str(path)], capture_output=True, text=True).stdout == "1\n"


def test_names_in_front_are_none_but_those_of_the_file() -> None:
    # Each name that a VM does not know yet would cost it heap.
    for name, source in sources("aio").items():
        front, found, rest = source.partition("def ")
        if "while True" not in front:
            continue
        assert name == "aio" and found
        known = set(re.findall(r"[a-zA-Z_]\w*", rest))
        assert known >= {line.split(".")[1] for line in front.splitlines() if "." in line}


def test_a_method_of_the_connection_that_the_build_does_not_call_goes() -> None:
    source = "class Connection:\n    def wait(self):\n        pass\n    def __init__(self):\n        {}.wait()\n"
    for call in "self.event", "self.connection":
        module = ast.parse(source.format(call))
        unused(module, frozenset({"Connection"}), NOTHING, hidden=True)
        assert ("def wait" in ast.unparse(module)) == (call == "self.connection")


def test_what_makes_a_client_of_asyncio_is_loaded_for_that_alone(tmp_path: Path) -> None:
    install("aio", tmp_path)
    program = """
import gc, sys
from umqtt2.aio import MQTTClient

class Own(MQTTClient):
    def __init__(self, name):
        super().__init__(name, "broker", keepalive=5)

def loaded():
    return [name for name in sys.modules if name.startswith("umqtt2.s")] or sys.modules["umqtt2"].start

for arguments in {"server": "b"}, {"client_id": "a", "server": "b", "queue": 0}:
    try:
        MQTTClient(**arguments)
    except (TypeError, ValueError) as e:
        print(type(e).__name__, loaded())
print(Own("own").keepalive, MQTTClient("a", "b", will=("t", "m")).will, loaded())
"""
    assert vm.output(fetch.vm32(), tmp_path, 256, "-c", program) == [
        "TypeError None",
        "ValueError None",
        "5 (b't', b'm', False, 0) None",
    ]


def test_what_connecting_takes_is_free_afterwards(tmp_path: Path) -> None:
    install("aio", tmp_path)
    program = """
import asyncio, gc, sys
from umqtt2.aio import MQTTClient

client = MQTTClient("a", "127.0.0.1", 1, verbose=False)
before = set(sys.modules)
found = []

async def main():
    for _ in range(4):
        try:
            await client.connect()
        except OSError as e:
            client.last_error = None
        try:
            await client.subscribe("a/#/b")
        except ValueError:
            pass
        gc.collect()
        found.append(gc.mem_alloc())

asyncio.run(main())
package = sys.modules["umqtt2"]
print(sorted(name for name in set(sys.modules) - before if name.startswith("umqtt2")))
print([getattr(package, name, None) for name in ("connect", "open", "subscribe", "end")])
print(found[3] - found[2] < 200 or found)
"""
    assert vm.output(fetch.vm32(), tmp_path, 256, "-c", program) == [
        "['umqtt2.transport', 'umqtt2.transport.tcp']",
        "[None, None, None, None]",
        "True",
    ]


FORGOTTEN = """
class Lamp:
    def __init__(self, name="lamp"):
        self.name = name
        self.lit = 0

    def light(self):
        while self.lit < 2:
            try:
                self._set(1)
            except ValueError:
                pass
            yield self.lit

    def _set(self, n):
        self.lit += level(n)

def level(n):
    return n + 0
"""


def apart(source: str, *functions: str) -> dict[str, str]:
    module = ast.parse(source)
    files = (once.Once("load", functions),)
    once.mark(module, files)
    once.detach(module, NOTHING)
    return split.split(module, once.move(module, files, {"__init__": ()}))


def test_a_method_that_is_loaded_is_a_function_of_its_file() -> None:
    files = apart(FORGOTTEN, "Lamp._set")
    assert "def _set" not in files["__init__"] and "def level" not in files["__init__"]
    assert {f.name for f in ast.parse(files["load"]).body if isinstance(f, ast.FunctionDef)} == {"set_load", "level"}
    assert files["load"].count("del modules['umqtt2.load']") == 1


def test_what_is_loaded_for_a_call_of_a_generator_is_forgotten_while_that_waits(tmp_path: Path) -> None:
    (tmp_path / "umqtt2").mkdir()
    for name, source in apart(FORGOTTEN, "Lamp._set").items():
        (tmp_path / "umqtt2" / f"{name}.py").write_text(source)
    program = """
import gc, sys
from umqtt2 import Lamp

for lit in Lamp().light():
    print(lit, "umqtt2.load" in sys.modules, sys.modules["umqtt2"].load)
"""
    assert vm.output(fetch.vm32(), tmp_path, 64, "-c", program) == ["1 False None", "2 False None"]


def test_what_returns_early_goes_where_its_result_is_returned() -> None:
    g = "def g(a):\n    for b in a:\n        if b:\n            return b\n\n"
    source = g + "def f(a):\n    if len(a) > 1:\n        return g(a)\n    return 9\n"
    assert "def g" not in inlined(source)
    assert run(inlined(source), "[f([0, 5, 6]), f([0, 0]), f([])]") == [5, None, 9]
    assert "def g" in inlined(g + "def f(a):\n    b = g(a)\n    return b, b\n")
