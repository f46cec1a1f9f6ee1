"""How a service is wired: one typed object in `app.state`, routes in `app.py`, pools from one place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tree import PACKAGES, ROOT, python_files, shown, syntax_tree

HOLDER = "lifecycle"
APPS = sorted((ROOT / "services").glob("**/app.py"))


def _attributes_of_app_state(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the place and name of each `….app.state.name`, `app.state.name` or call with `app.state`."""
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.Attribute) and _is_state(node.value):
            yield shown(path, node.lineno), node.attr
        if isinstance(node, ast.Call) and any(_is_state(argument) for argument in node.args):
            yield shown(path, node.lineno), ast.unparse(node.func)


def _is_state(node: ast.expr) -> bool:
    if not (isinstance(node, ast.Attribute) and node.attr == "state"):
        return False
    owner = node.value
    return (
        owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    ) == "app"


def test_an_application_carries_nothing_but_its_lifecycle() -> None:
    found = [
        (place, name)
        for path in python_files("services", "shared", "tests")
        for place, name in _attributes_of_app_state(path)
    ]
    assert [each for each in found if each[1] != HOLDER] == []
    assert {place.partition(":")[0] for place, _ in found} == {"shared/http.py"}


@pytest.mark.parametrize("path", APPS, ids=shown)
def test_app_py_imports_no_client_of_a_server_and_runs_nothing(path: Path) -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    assert imported & {"aiokafka", "asyncio", "asyncpg", "contextlib", "faststream"} == set()


@pytest.mark.parametrize("path", APPS, ids=shown)
def test_each_service_has_a_runtime_that_is_a_typed_context_manager(path: Path) -> None:
    functions = {
        node.name: node
        for node in ast.walk(syntax_tree(path.with_name("runtime.py")))
        if isinstance(node, ast.AsyncFunctionDef)
    }
    running = functions["running"]
    assert [ast.unparse(each) for each in running.decorator_list] == ["asynccontextmanager"]
    assert running.returns is not None
    assert ast.unparse(running.returns) == "AsyncIterator[Runtime]"


def test_pools_of_connections_are_opened_in_one_place() -> None:
    places = {
        shown(path)
        for path in python_files(*PACKAGES)
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "create_pool"
    }
    assert places == {"shared/postgres.py"}
