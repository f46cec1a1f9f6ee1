"""A small language for phrases, so that a grammar can be read and extended without knowing regular expressions.

`data/requests_en.txt` says what the language is. Phrases match whole words of a text in which every word is followed by
a space (`words.canonical`). They run on RE2: a phrase may be as ambiguous as language is, and the time stays in
proportion to the text.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Protocol, cast

import re2

from services.optout.rules.detectors.gates import TOKEN, Needs, Options, any_of, options_of, section
from services.optout.rules.detectors.words import forms, read_lines
from services.optout.rules.word_classes import Forms

_SECTION = re.compile(r"\[(group|phrases|words) (\w+)\]")
_SIGNS = {"(": "(?:", ")": ")", "|": "|", "?": "?", "~": r"(?:\S+ ){0,3}?", "+": "{1,4}"}
_SIGNS_WITHOUT_SPACES = _SIGNS | {"~": ".{0,8}?"}
_MEMORY_BYTES = 1 << 28


class Found(Protocol):
    """A match."""

    def start(self) -> int:
        """Return where it begins."""

    def __getitem__(self, group: int | str) -> str: ...


class Finder(Protocol):
    """A compiled pattern, as far as grammars need it."""

    def search(self, text: str) -> Found | None:
        """Return the first match."""

    def match(self, text: str) -> Found | None:
        """Return the match at the beginning."""

    def fullmatch(self, text: str) -> Found | None:
        """Return the match of all of `text`."""

    def finditer(self, text: str) -> Sequence[Found]:
        """Return all matches."""


class Grammar:
    """The groups, phrases and words of a data file.

    Args:
        name: of the file.
        prepare: brings a line to the form that texts are compared in.
        has_spaces: whether the language has spaces between words; else a phrase is found within a text without any.

    Raises:
        KeyError: a line uses a group that is not defined above it.
    """

    def __init__(self, name: str, prepare: Callable[[str], str] = str, *, has_spaces: bool = True) -> None:
        self._has_spaces = has_spaces
        self._sections: dict[tuple[str, str], list[str]] = {}
        self._groups: dict[str, str] = {}
        self._options: dict[str, Options] = {}
        lines: list[str] = []
        for line in read_lines(name):
            if section := _SECTION.fullmatch(line):
                lines = self._sections.setdefault((section[1], section[2]), [])
            else:
                lines.append(prepare(line))
        for (kind, group), phrases in self._sections.items():
            if kind == "group":
                self._groups[group] = self._any_of(phrases)
                self._options[group] = any_of(options_of(phrase, self._options) for phrase in phrases)

    def has(self, kind: str, name: str) -> bool:
        """Say whether there is such a section: a group, phrases or words."""
        return bool(self._sections.get((kind, name)))

    def needs(self, name: str) -> list[Needs]:
        """Return what each phrase of a section needs."""
        return [*chain(*map(self._options_of, self._sections["phrases", name]))]

    def _options_of(self, line: str) -> Options:
        return options_of(line, self._options)

    def section(self, name: str, forms: Forms = forms) -> int:
        """Return the bit that texts have in `opened` which may have a phrase of a section, its words spelt anyhow."""
        return section(self.needs(name), forms)

    def vocabulary(self, *names: str) -> frozenset[str]:
        """Return all words of these sections' phrases, with those of the groups that they use."""
        return self._words_in(chain(*(self._sections.get(("phrases", name), ()) for name in names)))

    def words_of_group(self, name: str) -> frozenset[str]:
        """Return all words of a group, with those of the groups that it uses."""
        return self._words_in(self._sections["group", name])

    def _words_in(self, phrases: Iterable[str]) -> frozenset[str]:
        found, lines = set[str](), list(phrases)
        while lines:
            for group, word, _ in TOKEN.findall(lines.pop()):
                if group:
                    lines += self._sections["group", group]
                elif word:
                    found.add(word)
        return frozenset(found)

    def words(self, name: str) -> frozenset[str]:
        """Return the words of a section."""
        return frozenset(" ".join(self._sections["words", name]).split())

    def group(self, name: str) -> str:
        """Return the expression of a group."""
        return self._groups[name]

    def pattern(self, name: str) -> str:
        """Return the expression of any phrase of a section."""
        return self._any_of(self._sections["phrases", name])

    def compile(self, name: str) -> Finder:
        """Return what finds any phrase of a section, anywhere in a text."""
        return compile_re2(f"(?:^| ){self.pattern(name)}" if self._has_spaces else self.pattern(name))

    def _any_of(self, lines: Sequence[str]) -> str:
        return f"(?:{'|'.join(map(self._line, lines))})"

    def _line(self, line: str) -> str:
        space, signs = (" ", _SIGNS) if self._has_spaces else ("", _SIGNS_WITHOUT_SPACES)
        return "".join(
            self._groups[group] if group else f"(?:{word}{space})" if word else signs[sign]
            for group, word, sign in TOKEN.findall(line)
        )


def compile_re2(pattern: str) -> Finder:
    """Return `pattern` for RE2, with room for large grammars."""
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    return cast("Finder", re2.compile(pattern, options))
