"""Metrics: each is declared in its process's `metrics.py`, says what moves it, and is on the page made from there."""

import ast
import runpy
from typing import Any

import pytest
from tree import ROOT, python_files, shown, syntax_tree

PAGE = runpy.run_path(str(ROOT / "tools" / "metrics-page"))
TYPES = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
OBVIOUS = {"partition", "gateway", "account", "bind", "work", "carrier", "kind", "answer"}


def _metrics() -> list[tuple[str, Any]]:
    return [(module, metric) for module in PAGE["modules"]() for metric in PAGE["declared_in"](module)]


def test_metrics_are_declared_in_metrics_py_and_nowhere_else() -> None:
    declaring = [
        shown(path, node.lineno)
        for path in python_files("services", "shared")
        if path.name != "metrics.py"
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == "prometheus_client"
        if TYPES & {each.name for each in node.names}
    ]
    assert declaring == []


def test_the_page_of_metrics_is_that_of_the_declarations() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert page == PAGE["page"](), "write it again: .venv/bin/python tools/metrics-page > docs/metrics.md"


@pytest.mark.parametrize(("module", "metric"), _metrics(), ids=lambda each: getattr(each, "_name", ""))
def test_a_metric_says_what_moves_it_and_what_its_labels_mean(module: str, metric: Any) -> None:
    assert metric._name.startswith("stopline_"), module
    assert metric._documentation.endswith("."), metric._documentation
    unexplained = [
        label for label in metric._labelnames if label not in OBVIOUS and f"{label}:" not in metric._documentation
    ]
    assert unexplained == []


def test_no_name_is_declared_twice() -> None:
    names = [PAGE["exported_name"](metric) for _, metric in _metrics()]
    assert sorted(names) == sorted(set(names))


def test_a_process_exports_the_metrics_of_no_other() -> None:
    """A counter of another process would be 0 here forever, and whoever looks would believe that."""
    foreign = [
        shown(path, node.lineno)
        for path in python_files("services")
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.ImportFrom) and any(each.name == "metrics" for each in node.names)
        if _process(path.parent.relative_to(ROOT).as_posix()) != _process((node.module or "").replace(".", "/"))
    ]
    assert foreign == []


def _process(folder: str) -> str:
    """Return the process that a folder belongs to; what several share is the first one's."""
    parts = folder.split("/")
    if parts[:2] == ["services", "optout"] and parts[2:3] in (["api"], ["customer_webhooks"]):
        return "api"
    if parts[:2] == ["services", "optout"] and parts[2:3] == ["links"]:
        return "links"
    return "/".join(parts[:2])
