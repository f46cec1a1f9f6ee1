"""How the code is built: import contracts, sizes, acknowledgement, nothing that happens at import."""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from tree import PACKAGES, ROOT, python_files, shown, syntax_tree

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40

_IMPORT_ALL = """
import importlib, pkgutil, sys

def forbid(event, arguments):
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.exec", "os.posix_spawn"):
        raise AssertionError(f"{event} {arguments!r} at import")

names = [
    module.name
    for package in sys.argv[1:]
    for module in pkgutil.walk_packages([package], f"{package}.")
    if not module.name.endswith(".__main__")
]
sys.addaudithook(forbid)
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_imports_go_one_way() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_nothing_connects_listens_or_starts_a_program_at_import() -> None:
    imported = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL, *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert imported.returncode == 0, imported.stderr
    assert int(imported.stdout) > 50


def test_no_code_names_a_gateway_but_its_own_files() -> None:
    places = {
        shown(path)
        for path in python_files("services", "shared", "harness")
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.Constant) and node.value == "clicksend"
    }
    # The examples are data of the published contract; the environment says which gateways the demo account has.
    own = {
        "services/inbound/gateways/clicksend.py",
        "services/optout/api/accounts.py",
        "services/sender/carriers/__init__.py",
    }
    assert places == {*own, "shared/contract/examples.py", "harness/stack/environment.py"}


def test_no_file_has_over_300_lines() -> None:
    sizes = {shown(path): len(path.read_text().splitlines()) for path in python_files()}
    assert {name: lines for name, lines in sizes.items() if lines > MAX_FILE_LINES} == {}


def test_no_function_has_over_40_lines() -> None:
    long = [
        f"{shown(path, node.lineno)} {node.name}"
        for path in python_files(*PACKAGES)
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _length(node) > MAX_FUNCTION_LINES
    ]
    assert long == []


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_every_subscriber_says_when_it_acknowledges() -> None:
    subscribers = [(path, call) for path in python_files("services", "shared") for call in _calls(path, "subscriber")]
    assert subscribers
    silent = [
        shown(path, call.lineno) for path, call in subscribers if "ack_policy" not in {k.arg for k in call.keywords}
    ]
    assert silent == []


def _calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
            yield node


def test_no_test_waits_by_sleeping() -> None:
    """A sleep stands in a helper's loop that looks for its condition, or says on its line why it is none of these."""
    bare = [shown(path, line) for path in python_files("tests") for line in _sleeps(path) if not _says_why(path, line)]
    assert bare == []


def _sleeps(path: Path) -> Iterator[int]:
    for function in ast.walk(syntax_tree(path)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            is_test = function.name.startswith("test_")
            looking = {id(node) for loop in _loops(function) for node in ast.walk(loop)}
            for node in ast.walk(function):
                if _is_sleep(node) and (is_test or id(node) not in looking):
                    yield node.lineno


def _loops(function: ast.AST) -> Iterator[ast.AST]:
    return (node for node in ast.walk(function) if isinstance(node, ast.While | ast.For | ast.AsyncFor))


def _is_sleep(node: ast.AST) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "sleep"
        and not (isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    )


def _says_why(path: Path, line: int) -> bool:
    return "#" in path.read_text().splitlines()[line - 1]


def test_every_test_module_has_a_name_of_its_own() -> None:
    """Tests are not a package, so pytest knows a module by its last name only."""
    names = Counter(path.name for path in python_files("tests") if path.name not in ("conftest.py", "__init__.py"))
    assert {name: times for name, times in names.items() if times > 1} == {}
