"""Requests and wrong numbers in other languages: a file for each in `data/languages`, which says everything about it.

Of a language only its files know. It is asked where a reply has one of its words, or a letter of its script; which
words these are follows from its phrases, so that none of them can be kept from firing.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files

from services.optout.rules.detectors.finding import Finding
from services.optout.rules.detectors.gates import SubstringGate, section
from services.optout.rules.detectors.phrases import Finder, Found, Grammar, compile_re2
from services.optout.rules.detectors.words import MAX_SENTENCE_CHARACTERS
from services.optout.rules.normalised_reply import NormalisedReply
from services.optout.rules.word_classes import LANGUAGE_CLASSES, WORD_CLASSES, as_written
from shared.instructions.normalise import fold, latin, words_of

MAX_SENTENCES = 40
_MAX_CHARACTERS_OF_WRONG_PERSON = 100
_MAX_CHARACTERS = 4_000
"""Of a reply, in which languages are recognised by their words."""
_LEAST_CHARACTERS_UNASKED = 10
"""Of a request in a longer sentence to nobody's question; shorter ones are said among friends."""
_LEAST_CHARACTERS_UNASKED_WITHOUT_SPACES = 5
_WORDS_BEFORE = 2
_NEEDED = (
    ("group", "around"),
    ("group", "limits"),
    ("phrases", "requests"),
    ("phrases", "likely"),
    ("phrases", "wrong_person"),
    ("phrases", "wrong_person_in_answer"),
    ("phrases", "complaint"),
    ("words", "other_things"),
    ("words", "turned"),
)
_PHRASES = ("requests", "likely", "partial", "wrong_person", "wrong_person_in_answer", "complaint", "not_name")
_MAX_WORDS_NAMED = 8
_WITHOUT_SPACES = re.compile("[\u0900-\u097f\u0e00-\u0e7f\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]")


class Language:
    """A language, as its file describes it.

    Raises:
        ValueError: the file lacks a section; the text names both.
    """

    def __init__(self, code: str) -> None:
        name = f"languages/{code}.txt"
        text = files(__package__).joinpath("data", name).read_text("utf-8")
        self.code = code
        self.has_spaces = _WITHOUT_SPACES.search(text) is None
        self._grammar = Grammar(name, _prepared, has_spaces=self.has_spaces)
        for kind, needed in _NEEDED:
            if not self._grammar.has(kind, needed):
                raise ValueError(f"{name}: the section [{kind} {needed}] is missing")
        needs = {phrases: self._grammar.needs(phrases) for phrases in _PHRASES if self._grammar.has("phrases", phrases)}
        self._letters: SubstringGate | None = None
        if self.has_spaces:
            self._bits = {phrases: section(each, as_written, LANGUAGE_CLASSES) for phrases, each in needs.items()}
        else:
            self._bits = {phrases: 1 << n for n, phrases in enumerate(needs)}
            self._letters = SubstringGate({self._bits[phrases]: each for phrases, each in needs.items()})
        self._turned = self._words("turned")
        self._turned_after = self._words("turned_after")
        self._other_things = self._words("other_things")
        self._no_names = self._words("no_names")

    @cached_property
    def bits(self) -> int:
        """The bits of all its sections."""
        return sum(self._bits.values())

    def may_be_in(self, normalised: NormalisedReply, opened: int) -> bool:
        """Say whether a reply may have a phrase of this language; `opened` are the bits of `LANGUAGE_CLASSES`."""
        if self._letters is not None:
            return bool(normalised.classes & self._letters.letters)
        return bool(opened & self.bits)

    @property
    def words_of_requests(self) -> frozenset[str]:
        """The words of requests and of what is said around them: none of them is a name."""
        if not self.has_spaces:
            return frozenset()
        return self._grammar.vocabulary("requests", "likely", "not_name") | self._grammar.words_of_group("around")

    def request_in(self, sentence: str, *, is_answer: bool) -> Finding | None:
        """Return the request that a sentence is, or has; a certain one only in answer to an instruction."""
        text = self._text_of(sentence)
        opened = self._opened(sentence, text)
        if self._has(opened, "requests") and (found := self._request_alone.fullmatch(text)):
            return Finding("opt_out" if is_answer else "held", "plain_words", found["core"].strip())
        if is_answer and (finding := self._only_in_answer(text, opened)):
            return finding
        if not self._has(opened, "requests") or self._is_of_another_thing(text):
            return None
        for match in self._request.finditer(text):
            term = match[0].strip()
            if (is_answer or len(term) >= self._least_unasked) and not self._is_turned(text, match):
                return Finding("held", "plain_words", term)
        return None

    def _only_in_answer(self, text: str, opened: int) -> Finding | None:
        """Return what asks for less, or complains; to nobody's question it may be about anything."""
        if self._has(opened, "likely") and (found := self._likely_alone.fullmatch(text)):
            return Finding("held", "plain_words", found["core"].strip())
        if self._has(opened, "requests", "likely") and (found := self._limited_alone.fullmatch(text)):
            return Finding("held", "partial", found["core"].strip())
        if self._has(opened, "partial") and (found := self._partial.search(text)):
            return Finding("held", "partial", found[0].strip())
        if not self._has(opened, "complaint") or self._is_of_another_thing(text):
            return None
        found = self._complaint.search(text)
        return Finding("held", "complaint", found[0].strip()) if found else None

    def wrong_person_in(self, sentence: str, *, is_answer: bool) -> Finding | None:
        """Return what says that the number is not theirs whom the sender means."""
        text = self._text_of(sentence)
        if len(text) > _MAX_CHARACTERS_OF_WRONG_PERSON:
            return None
        opened = self._opened(sentence, text)
        found = self._wrong_person.search(text) if self._has(opened, "wrong_person") else None
        if found is not None and not is_answer and len(found[0]) < self._least_unasked:
            found = None
        if found is None and is_answer and self._has(opened, "wrong_person_in_answer"):
            found = self._wrong_person_in_answer.search(text)
        return Finding("held", "wrong_person", found[0].strip()) if found is not None else None

    def other_name_in(self, sentence: str, names: frozenset[str]) -> Finding | None:
        """Return what denies the name that a message was written to: "nie jestem Kasia"."""
        text = self._text_of(sentence)
        if text.count(" ") > _MAX_WORDS_NAMED or not self._has(self._opened(sentence, text), "not_name"):
            return None
        found = self._not_name.fullmatch(text)
        if found is None or found["name"] not in names or found["name"] in self._no_names:
            return None
        return Finding("held", "wrong_person", text.strip())

    def _opened(self, sentence: str, text: str) -> int:
        return LANGUAGE_CLASSES.opened_by(sentence) if self._letters is None else self._letters.opened(text)

    def _has(self, opened: int, *phrases: str) -> bool:
        return any(opened & self._bits.get(each, 0) for each in phrases)

    def _words(self, name: str) -> tuple[str, ...]:
        words = sorted(self._grammar.words(name)) if self._grammar.has("words", name) else ()
        return tuple(words_of(_prepared(word)).replace(" ", "") for word in words)

    def _text_of(self, sentence: str) -> str:
        text = sentence[:MAX_SENTENCE_CHARACTERS]
        return f"{text} " if self.has_spaces else text.replace(" ", "")

    def _is_turned(self, text: str, match: Found) -> bool:
        """Say whether the words before a request, or the one after it, make the opposite of it."""
        before, after = text[: match.start()], text[match.start() + len(match[0]) :]
        if not self.has_spaces:
            return before.endswith(self._turned)
        if not set(self._turned).isdisjoint(before.split()[-_WORDS_BEFORE:]):
            return True
        return not set(self._turned_after).isdisjoint(after.split()[:1])

    def _is_of_another_thing(self, text: str) -> bool:
        """Say whether a sentence is about a parcel, an appointment, a bill: not about messages."""
        if self.has_spaces:
            return not set(self._other_things).isdisjoint(text.split())
        return any(thing in text for thing in self._other_things)

    @property
    def _least_unasked(self) -> int:
        return _LEAST_CHARACTERS_UNASKED if self.has_spaces else _LEAST_CHARACTERS_UNASKED_WITHOUT_SPACES

    @cached_property
    def _request(self) -> Finder:
        return self._grammar.compile("requests")

    @cached_property
    def _request_alone(self) -> Finder:
        return self._alone("requests")

    @cached_property
    def _likely_alone(self) -> Finder:
        return self._alone("likely")

    @cached_property
    def _limited_alone(self) -> Finder:
        """A request or its like, beside the hours or days that it is for."""
        beside = f"(?:{self._grammar.group('around')}|{self._grammar.group('limits')})*"
        core = f"(?:{self._grammar.pattern('requests')}|{self._grammar.pattern('likely')})"
        return compile_re2(f"{beside}(?P<core>{core}){beside}")

    @cached_property
    def _partial(self) -> Finder:
        return self._grammar.compile("partial")

    @cached_property
    def _complaint(self) -> Finder:
        return self._grammar.compile("complaint")

    @cached_property
    def _not_name(self) -> Finder:
        around = f"(?:{self._grammar.group('around')})*"
        return compile_re2(rf"{around}{self._grammar.pattern('not_name')}(?P<name>\S+) (?:\S+ )?{around}")

    @cached_property
    def _wrong_person(self) -> Finder:
        return self._grammar.compile("wrong_person")

    @cached_property
    def _wrong_person_in_answer(self) -> Finder:
        """A death, a new owner, a telephone at work: to nobody's question these are news."""
        return self._grammar.compile("wrong_person_in_answer")

    def _alone(self, name: str) -> Finder:
        around = f"(?:{self._grammar.group('around')})*"
        return compile_re2(f"{around}(?P<core>{self._grammar.pattern(name)}){around}")


def _prepared(line: str) -> str:
    return latin(fold(line))


def _codes() -> list[str]:
    names = (each.name for each in files(__package__).joinpath("data", "languages").iterdir())
    return sorted(name.removesuffix(".txt") for name in names if name.endswith(".txt"))


LANGUAGES = tuple(map(Language, _codes()))
WORDS_OF_REQUESTS = frozenset[str]().union(*(language.words_of_requests for language in LANGUAGES))
_WAKING = WORD_CLASSES.register(LANGUAGE_CLASSES.key_words())


def find_request(normalised: NormalisedReply, *, is_answer: bool) -> Finding | None:
    """Return the request that a reply makes in one of the languages; a certain one before those that are not."""
    held: Finding | None = None
    for language in _spoken(normalised):
        for sentence in normalised.sentences[:MAX_SENTENCES]:
            finding = language.request_in(sentence, is_answer=is_answer)
            if finding is not None and finding.kind == "opt_out":
                return finding
            held = held or finding
    return held


def find_wrong_person(normalised: NormalisedReply, *, is_answer: bool) -> Finding | None:
    """Return the words of a reply, in one of the languages, that say that the number is somebody else's."""
    languages = _spoken(normalised)
    names = normalised.names if is_answer and languages else frozenset[str]()
    for language in languages:
        for sentence in normalised.sentences[:MAX_SENTENCES]:
            found = language.wrong_person_in(sentence, is_answer=is_answer)
            if found is None and names:
                found = language.other_name_in(sentence, names)
            if found is not None:
                return found
    return None


def _spoken(normalised: NormalisedReply) -> Sequence[Language]:
    """Return the languages that a reply may be in: none of nearly all replies in English."""
    wakes = normalised.classes & _WAKING
    if not wakes and normalised.text.isascii():
        return ()
    opened = LANGUAGE_CLASSES.opened_by(normalised.text[:_MAX_CHARACTERS]) if wakes else 0
    if not opened and normalised.text.isascii():
        return ()
    return [language for language in LANGUAGES if language.may_be_in(normalised, opened)]
