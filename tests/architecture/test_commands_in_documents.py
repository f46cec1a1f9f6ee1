"""Every command that a document shows exists: make targets, `stopline` commands, files of the repository."""

import re
from collections.abc import Iterator

from tree import ROOT, files, shown

from harness.cli.main import COMMANDS

_FENCE = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^ {4}((?:make|(?:\.venv/bin/)?stopline|deploy/|tools/)[ /\w].*)$", re.MULTILINE)
_INLINE = re.compile(r"`((?:make|(?:\.venv/bin/)?stopline) [a-z][^`\n]*)`")
_STOPLINE = re.compile(r"(?:^|[|;&(] ?|exec )(?:\.venv/bin/)?stopline ([a-z][\w-]*)")
_MAKE = re.compile(r"(?:^|[;&] ?)make ([a-z][\w-]*)")
_FILE = re.compile(r"(?:^|[;&|] ?)((?:tools|deploy|tests|examples|\.ci)/[\w./-]+)")
_PAGES = ("README.md", "CONTRIBUTING.md", "docs", "examples", "clients")


def _commands() -> Iterator[tuple[str, str]]:
    """Yield the place and the text of each command, one per line."""
    for path in files():
        if path.suffix == ".md" and path.relative_to(ROOT).parts[0] in _PAGES and "decisions" not in path.parts:
            text = path.read_text()
            fenced = "\n".join(_FENCE.findall(text)).replace("\\\n", " ").splitlines()
            for line in [*fenced, *_INDENTED.findall(text), *_INLINE.findall(text)]:
                yield shown(path), line.strip().removeprefix("$ ")


def _unknown(pattern: re.Pattern[str], known: set[str]) -> list[str]:
    return [f"{place}: {line}" for place, line in _commands() for name in pattern.findall(line) if name not in known]


def test_every_stopline_command_that_a_document_shows_exists() -> None:
    known = {name for names in COMMANDS.values() for name in names}
    assert sum(len(_STOPLINE.findall(line)) for _, line in _commands()) > 30
    assert _unknown(_STOPLINE, known) == []


def test_every_make_target_that_a_document_shows_exists() -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert sum(len(_MAKE.findall(line)) for _, line in _commands()) > 10
    assert _unknown(_MAKE, targets) == []


def test_every_file_that_a_documents_command_names_exists() -> None:
    missing = [
        f"{place}: {name}"
        for place, line in _commands()
        for name in _FILE.findall(line)
        if not (ROOT / name).exists() and not name.endswith(".env")
    ]
    assert missing == []
