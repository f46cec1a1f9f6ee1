"""Words that `docs/glossary.md` says to avoid stay out of names, comments, docstrings, messages and documents.

Texts that recipients write are data, not our language: string literals of tests and of the word lists are not checked.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
from tree import PACKAGES, ROOT, files, python_files, shown, syntax_tree

AVOIDED = {
    r"(?:tell|tells|told|telling)": "publish, report, log, show, distinguish",
    r"fates?": "outcome",
    r"(?:un)?mend(?:s|ed|ing)?": "fix",
    r"anew": "again, recreated",
    r"for ever": "forever, until it is stopped",
    r"(?<!there )(?:is|are|was|were) no (?!longer\b|more\b|less\b|one\b)[a-z]\w*": "is not a",
    r"(?:stand|stands)(?! for\b| in\b|-)": "is",
    r"stood": "was",
    r"behind(?! (?:a |an |the |its |their |your )?(?:\w+ )?(?:proxy|proxies|load balancer))": "after",
    r"\d[\d,]*(?:\.\d+)?(?: [a-z-]+){0,2} an? (?:second|minute|hour|day|partition|batch|account|key|record)": "per",
    r"so many": "this many",
    r"(?:take|takes|taken|took|taking) (?:it |them )?back": "withdraw",
    r"(?:is|are|was|were|be|being) away": "unavailable",
}
_WORDS = {re.compile(rf"\b{avoided}\b", re.IGNORECASE): use for avoided, use in AVOIDED.items()}
_NAMES = {**_WORDS, re.compile(r"^(?!test ).*\bat most\b"): "limit"}
"""A name is read as its words: `tell_all` is "tell all"."""
_DATA = (
    "services/optout/rules/data/",
    "shared/instructions/data/",
    "services/optout/rules/detectors/data/",
    "tests/data/",
    "docs/glossary.md",
    "tests/architecture/test_language.py",
    "benchmarks/rules.py",  # frequent words, of which it makes replies
    "services/optout/migrations/",  # files that have been released never change
    "services/sender/migrations/",
)
_TEXT_SUFFIXES = {".md", ".sql", ".yml", ".yaml", ".sh", ".toml", ".xml", ".properties", ""}
_DETERMINERS = ("A ", "An ", "The ", "One ", "All ", "Every ")


def _is_checked(path: Path) -> bool:
    return not shown(path).startswith(_DATA) and path.name not in ("LICENSE", "requirements.lock")


def _code() -> Iterator[Path]:
    return (path for path in python_files() if _is_checked(path))


def _documents() -> Iterator[Path]:
    return (path for path in files() if path.suffix in _TEXT_SUFFIXES and _is_checked(path))


def _found(text: str, words: dict[re.Pattern[str], str]) -> Iterator[str]:
    flat = " ".join(text.split())
    for pattern, use in words.items():
        yield from (f"{found.group()!r}: write {use}" for found in pattern.finditer(flat))


def _spoken(path: Path) -> Iterator[tuple[int, str]]:
    """Give comments, docstrings and, outside tests, all other strings."""
    is_test = path.relative_to(ROOT).parts[0] == "tests"
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    yield from _paragraphs(
        [(each.start[0], each.string.lstrip("# ")) for each in tokens if each.type == tokenize.COMMENT]
    )
    for node in ast.walk(syntax_tree(path)):
        is_string = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if not is_test and is_string:
            yield node.lineno, node.value
        if is_test and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value)


def _paragraphs(comments: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Join comments on lines that follow each other: a phrase may be broken across them."""
    first, last, joined = 0, -1, ""
    for line, text in comments:
        if line == last + 1:
            last, joined = line, f"{joined} {text}"
            continue
        yield first, joined
        first, last, joined = line, line, text
    yield first, joined


def _names(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(syntax_tree(path)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name


def _as_words(name: str) -> str:
    return " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)).lower()


def test_no_text_in_the_code_has_a_word_to_avoid() -> None:
    found = [
        f"{shown(path, line)}: {word}"
        for path in _code()
        for line, text in _spoken(path)
        for word in _found(text, _WORDS)
    ]
    assert found == []


def test_no_name_in_the_code_has_a_word_to_avoid() -> None:
    found = [
        f"{shown(path, line)}: {name}: {word}"
        for path in _code()
        for line, name in _names(path)
        for word in _found(_as_words(name), _NAMES)
    ]
    assert found == []


def test_no_file_name_has_a_word_to_avoid() -> None:
    names = [path for path in files() if _is_checked(path)]
    assert [shown(path) for path in names if any(_found(_as_words(path.stem), _NAMES))] == []


def test_no_document_has_a_word_to_avoid() -> None:
    found = [f"{shown(path)}: {word}" for path in _documents() for word in _found(path.read_text(), _WORDS)]
    assert found == []


def _docstrings() -> Iterator[tuple[ast.AST, str, str]]:
    """Give every docstring of the packages: what it belongs to, the place, the text."""
    for path in filter(_is_checked, python_files(*PACKAGES)):
        for node in ast.walk(syntax_tree(path)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield node, shown(path, getattr(node, "lineno", 1)), ast.get_docstring(node) or ""


def test_no_docstring_starts_with_what() -> None:
    found = [(place, text) for _, place, text in _docstrings() if text.startswith(("What ", "Who ", "That "))]
    assert found == []


def test_a_class_docstring_starts_with_what_the_class_is() -> None:
    found = [
        (place, text)
        for node, place, text in _docstrings()
        if isinstance(node, ast.ClassDef) and text and not _is_error(node) and not text.startswith(_DETERMINERS)
    ]
    assert found == []


def _is_error(node: ast.ClassDef) -> bool:
    """Errors say what happened."""
    return node.name.endswith("Error")


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("its fate is told", 2),
        ("'x' is no detector", 1),
        ("there is no detector, and it is no longer needed", 0),
        ("200 records a minute, and 5 good records per minute", 1),
        ("a table stands here; it stands for itself", 1),
        ("the record behind it, behind a proxy", 1),
        ("an amendment of the untold", 0),
        ("until Kafka is away,\n    for\n    ever", 2),
    ],
)
def test_the_list_finds_what_it_should_and_nothing_else(text: str, use: int) -> None:
    assert len(list(_found(text, _WORDS))) == use
