"""Somebody else's number: "wrong number", "this is not Linda", "who is Maria?": the number has a new owner."""

import re

from services.optout.rules.detectors import languages
from services.optout.rules.detectors.finding import Finding
from services.optout.rules.detectors.phrases import Grammar, compile_re2
from services.optout.rules.detectors.words import FREQUENT, canonical
from services.optout.rules.normalised_reply import NormalisedReply
from services.optout.rules.word_classes import WORD_CLASSES
from shared.instructions.find import Instruction

_MAX_WORDS_OF_REPLY = 60
_MAX_WORDS = 28
_MAX_WORDS_NAMED = 14
_MAX_WORDS_UNASKED = 7
_MAX_WORDS_BOLD = 9
_MAX_WORDS_OF_STORY = 12
_MIN_LETTERS = 3

_GRAMMAR = Grammar("wrong_person.txt")
_SURE = _GRAMMAR.compile("sure")
_GONE = compile_re2(rf"(?:sorry )?{_GRAMMAR.pattern('gone')}(?:[^i]\S+ ){{0,4}}")
_NAMED = {
    True: compile_re2(_GRAMMAR.pattern("named_in_answer")),
    False: compile_re2(_GRAMMAR.pattern("named")),
}
_UNNAMED = _GRAMMAR.compile("unnamed")
_GONE_IN_ANSWER = _GRAMMAR.compile("gone_in_answer")
_OF_REQUESTS = languages.WORDS_OF_REQUESTS - _GRAMMAR.words("also_names")
_NO_NAME = FREQUENT | _GRAMMAR.words("no_name") | _GRAMMAR.words("capitalised") | _OF_REQUESTS
_OF_A_PHONE = frozenset(("phone", "number", "cell", "line", "here", "anymore"))
_CAPITALISED = _GRAMMAR.words("capitalised")
_NO_SECOND_NAME = FREQUENT - _OF_A_PHONE
_NO_NAMES_END = tuple(_GRAMMAR.words("no_names_end"))
_ANOTHER_MATTER = frozenset(("items", "serious", "laughing", "laughter", "order", "sizes", "pieces", "digits"))
_UNASKED = ("sure", "gone", "named", "no_somebody", "somebody_gone")
_IN_ANSWER_ONLY = ("named_in_answer", "unnamed", "gone_in_answer", "somebody_gone_in_answer", "whole_answer")
_MAY_BE = {name: _GRAMMAR.section(name) for name in (*_UNASKED, *_IN_ANSWER_ONLY)}
_LOOKED_FOR = {False: sum(_MAY_BE[name] for name in _UNASKED), True: sum(_MAY_BE.values())}


def _looked_for(words_of_reply: int, *, is_answer: bool) -> int:
    """Return the sections that may count: of a long reply only what is said outright, for stories have names too."""
    if not is_answer and words_of_reply > _MAX_WORDS_OF_STORY:
        return _MAY_BE["sure"]
    if is_answer and words_of_reply > _MAX_WORDS_BOLD:
        return _LOOKED_FOR[False] | _MAY_BE["gone_in_answer"]
    return _LOOKED_FOR[is_answer]


_ONE_NAME = r"(?P<name>[^\W\d]{2,}(?: [^\W\d]{2,})?)"
# Unasked, nothing else may follow the name; in answer to an instruction a new thought may.
_NAME_AFTER = {
    True: re.compile(
        r"(?P<name>[^\W\d]{2,}(?: [^\W\d]{2,}){0,2}?)(?: (?:here|at this number|at this phone|number|phone|cell|anymore"
        r"|sorry|please|stop|texting|s|lives?|in|this|is|he|she|and|you|bro|lol|wrong|im|remove|i|my|dude|thanks"
        r"|thank|who|the|a|no|or|so|nor|but)(?: .{0,60})?)?$"
    ),
    False: re.compile(
        rf"{_ONE_NAME}(?: (?:here|at this number|at this phone|number|phone|cell|anymore|sorry|please|stop|lives here"
        r"|is here|you have the|by the way|s phone))*$"
    ),
}
_BEFORE = re.compile(
    r"(?:(?:sorry|hi|hey|no|ok|umm?|hello|my name|this number|this phone|yo|please|but|and|i think|i|well|lol|nope|you"
    r"|afraid|im afraid|thank you|actually|bro|this|that|it|im|theres|there) )*"
)
_OF_SOMEBODY = {
    "no_somebody": re.compile(rf"(?:\S+ ){{0,2}}no {_ONE_NAME} {_GRAMMAR.pattern('no_somebody')}(?:.{{0,40}} )?$"),
    "somebody_gone": re.compile(rf"(?:sorry |no |hi )?{_ONE_NAME} {_GRAMMAR.pattern('somebody_gone')}(?:.{{0,60}} )?$"),
}
_IN_ANSWER = re.compile(
    rf"(?:sorry |no )?(?:{_GRAMMAR.pattern('whole_answer')}|{_ONE_NAME} {_GRAMMAR.pattern('somebody_gone_in_answer')})"
    r"(?:(?:sorry|please|thank you) )?"
)


_DENIED = re.compile(
    r"(?:.{0,40} )?(?:not|isnt|no|aint|arent)"
    r"(?: (?:a|the|your|mr|mrs|ms|miss|any|named|called|number of|phone of)){0,2} (?P<name>[^\W\d]{2,})(?: [^\W\d]+)?"
    r"(?: (?:here|at this number|number|phone|anymore|sorry|stop|please|and|he|she).{0,40})?"
)
"""In answer to a message, whatever is denied and written like a name: "not Beverly", "I am not Hope"."""


def find_wrong_person(normalised: NormalisedReply, instruction: Instruction | None) -> Finding | None:
    """Return the words that say that the number is not theirs whom the sender means."""
    found = _in_english(normalised, instruction)
    if found is None and instruction is not None and len(normalised.words) <= _MAX_WORDS_UNASKED and normalised.names:
        found = _denied_name(normalised)
    return found or languages.find_wrong_person(normalised, is_answer=instruction is not None)


def _denied_name(normalised: NormalisedReply) -> Finding | None:
    """Return the answer that denies what it writes like a name; frequent words, such as Hope, may be names."""
    text = canonical(normalised.text).rstrip()
    found = _DENIED.fullmatch(text)
    if found is None or found["name"] not in normalised.names or found["name"] in _CAPITALISED:
        return None
    return Finding("held", "wrong_person", text)


def _in_english(normalised: NormalisedReply, instruction: Instruction | None) -> Finding | None:
    is_answer = instruction is not None
    words = len(normalised.words)
    looked_for = _looked_for(words, is_answer=is_answer)
    if words > _MAX_WORDS_OF_REPLY or not normalised.opened & looked_for:
        return None
    for sentence in normalised.sentences:
        opened = WORD_CLASSES.opened_by(sentence) & looked_for
        found = _in_sentence(canonical(sentence), opened, words, is_answer=is_answer) if opened else None
        if found:
            return Finding("held", "wrong_person", found)
    return _in_answer(normalised) if is_answer and words <= _MAX_WORDS_UNASKED else None


def _in_answer(normalised: NormalisedReply) -> Finding | None:
    """Return what speaks of somebody else only because it answers a message to them."""
    text = canonical(normalised.text)
    found = _IN_ANSWER.fullmatch(text)
    if found is None or (found["name"] is not None and not _is_name(found["name"], is_answer=True)):
        return None
    return Finding("held", "wrong_person", text.rstrip())


def _in_sentence(text: str, opened: int, words_of_reply: int, *, is_answer: bool) -> str | None:
    """Return what is found in one sentence, of the sections that are `opened`."""
    words = text.split()
    if len(words) > _MAX_WORDS or not _ANOTHER_MATTER.isdisjoint(words):  # "the wrong number of items"
        return None
    if opened & _MAY_BE["sure"] and (found := _SURE.search(text)):
        return found[0].strip()
    if len(words) > _MAX_WORDS_NAMED or (not is_answer and words_of_reply > _MAX_WORDS_OF_STORY):
        return None
    is_answer = is_answer and words_of_reply <= _MAX_WORDS_BOLD
    if opened & _MAY_BE["gone"] and (found := _GONE.fullmatch(text)):
        return found[0].strip()
    if opened & _MAY_BE["gone_in_answer"] and (found := _GONE_IN_ANSWER.search(text)):
        return found[0].strip()
    is_short = len(words) <= _MAX_WORDS_UNASKED
    if is_answer and is_short and opened & _MAY_BE["unnamed"] and (found := _UNNAMED.search(text)):
        return found[0].strip()
    if _is_of_somebody(text, opened, is_answer=is_answer):
        return text.strip()
    named = "named_in_answer" if is_answer else "named"
    may_be_named = opened & _MAY_BE[named] and (is_answer or is_short)
    return text.strip() if may_be_named and _is_not_somebody(text, is_answer=is_answer) else None


def _is_of_somebody(text: str, opened: int, *, is_answer: bool) -> bool:
    """Say whether the sentence says where somebody is instead: "no Linda here", "Bob moved away"."""
    matches = (pattern.match(text) for section, pattern in _OF_SOMEBODY.items() if opened & _MAY_BE[section])
    return any(found is not None and _is_name(found["name"], is_answer=is_answer) for found in matches)


def _is_not_somebody(text: str, *, is_answer: bool) -> bool:
    """Say whether the sentence denies, or asks for, a name: "this is not Linda", "who is Linda"."""
    before = _BEFORE.match(text)
    for start in {0, before.end() if before else 0}:
        lead = _NAMED[is_answer].match(text[start:])
        if lead is not None:
            named = _NAME_AFTER[is_answer].match(text.rstrip(), start + len(lead[0]))
            if named is not None and _is_name(named["name"], is_answer=is_answer):
                return True
    return False


def _is_name(words: str, *, is_answer: bool) -> bool:
    """Say whether these may be somebody's name: no frequent words, no endings of other words."""
    first, *more = words.split()
    if not is_answer and not _NO_SECOND_NAME.isdisjoint(more):
        return False
    plain = first.removesuffix("s") if is_answer else first
    if len(first) < _MIN_LETTERS or first in _NO_NAME or plain in _NO_NAME:
        return False
    return not first.endswith(_NO_NAMES_END) and not (first.endswith("in") and f"{first}g" in FREQUENT)
