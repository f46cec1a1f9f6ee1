"""A name has one meaning in the whole tree: no class or type alias is called like another one elsewhere."""

import ast
from collections import defaultdict
from collections.abc import Iterator

from tree import PACKAGES, python_files, shown, syntax_tree

SHARED_NAMES = {
    "Decision": "what a service concluded, of a reply or of a request: see docs/glossary.md",
    "Runtime": "the running parts of a service, in the runtime.py of each: see docs/glossary.md",
    "Service": "inside the harness only: a process that runs, and the name of one that has a database",
}
"""Names that are defined more than once, each with the one meaning that it has, or why nobody confuses them."""


def test_no_class_or_type_alias_has_the_name_of_another() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in python_files(*PACKAGES):
        for name, line in _public_types(syntax_tree(path)):
            places[name].append(shown(path, line))
    repeated = {name: where for name, where in places.items() if len(where) > 1}
    assert {name: where for name, where in repeated.items() if name not in SHARED_NAMES} == {}
    assert sorted(SHARED_NAMES.keys() - repeated.keys()) == [], "remove what is defined once"


def _public_types(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the names of a module's classes and type aliases, which are all that is written in CamelCase."""
    for node in module.body:
        match node:
            case ast.ClassDef(name=name):
                yield from _public(name, node)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if not _is_type_variable(value):
                yield from _public(name, node)
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield from _public(name, node)


def _public(name: str, node: ast.stmt) -> Iterator[tuple[str, int]]:
    if name[0].isupper() and not name.isupper():
        yield name, node.lineno


def _is_type_variable(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "TypeVar"
