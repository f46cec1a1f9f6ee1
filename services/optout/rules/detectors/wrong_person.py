"""Somebody else's number: "wrong number", "this is not Linda", "who is Maria?": the number has a new owner."""

import re

from services.optout.rules.detectors import languages
from services.optout.rules.detectors.finding import Finding
from services.optout.rules.detectors.phrases import Grammar, compile_re2
from services.optout.rules.detectors.words import FREQUENT, canonical, prefilter
from services.optout.rules.normalised_reply import NormalisedReply
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
_SIGNALS = _GRAMMAR.words("signals")
_RARE = _GRAMMAR.words("rare")
_END = _GRAMMAR.words("end")
_NO_NAME = FREQUENT | _GRAMMAR.words("no_name")
_OF_A_PHONE = frozenset(("phone", "number", "cell", "line", "here", "anymore"))
_NO_SECOND_NAME = FREQUENT - _OF_A_PHONE
_NO_NAMES_END = tuple(_GRAMMAR.words("no_names_end"))
_ANOTHER_MATTER = frozenset(("items", "laughing", "laughter", "order", "sizes", "pieces", "digits"))
_may_match = prefilter(_SIGNALS)

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
_OF_SOMEBODY = (
    re.compile(rf"(?:\S+ ){{0,2}}no {_ONE_NAME} (?:here|at this (?:number|phone|address)|lives here)(?: .{{0,40}})?$"),
    re.compile(
        rf"(?:sorry |no |hi )?{_ONE_NAME} (?:passed away|died|moved away|moved out|no longer|doesnt live"
        r"|doesnt have this|has moved|has passed|is no longer|isnt at this|changed (?:his|her|their)|has a new"
        r"|got a new)"
        r"(?: .{0,60})?$"
    ),
)


_IN_ANSWER = re.compile(
    rf"(?:sorry |no )?(?:{_ONE_NAME} (?:isnt (?:here|home)|is dead|is gone|moved(?: away| out)?|has a (?:new|different)"
    r" (?:number|phone)|got a new (?:number|phone)|changed (?:his |her |their )?numbers?|who|is not here)"
    r"|(?:he|she|they) (?:has |have )?(?:moved(?: away| out)?|changed numbers?|died|passed(?: away)?)"
    r"|changed numbers?|new number|wrong|wrong (?:one|human|lady|man|woman|dude|phone|num))"
    r"(?: sorry| please| thank you)?"
)


def find_wrong_person(normalised: NormalisedReply, instruction: Instruction | None) -> Finding | None:
    """Return the words that say that the number is not theirs whom the sender means."""
    return _in_english(normalised, instruction) or languages.find_wrong_person(
        normalised, is_answer=instruction is not None
    )


def _in_english(normalised: NormalisedReply, instruction: Instruction | None) -> Finding | None:
    is_answer = instruction is not None
    if len(normalised.words) > _MAX_WORDS_OF_REPLY or not any(map(_may_match, normalised.words)):
        return _in_answer(normalised) if is_answer and len(normalised.words) <= _MAX_WORDS_UNASKED else None
    for sentence in normalised.sentences:
        text = canonical(sentence)
        words = text.split()
        if len(words) <= _MAX_WORDS and not _SIGNALS.isdisjoint(words):
            found = _in_sentence(text, words, len(normalised.words), is_answer=is_answer)
            if found is not None:
                return Finding("held", "wrong_person", found)
    return _in_answer(normalised) if is_answer and len(normalised.words) <= _MAX_WORDS_UNASKED else None


def _in_answer(normalised: NormalisedReply) -> Finding | None:
    """Return what speaks of somebody else only because it answers a message to them."""
    text = canonical(normalised.text).rstrip()
    found = _IN_ANSWER.fullmatch(text)
    if found is None or (found["name"] is not None and not _is_name(found["name"], is_answer=True)):
        return None
    return Finding("held", "wrong_person", text)


def _in_sentence(text: str, words: list[str], words_of_reply: int, *, is_answer: bool) -> str | None:
    """Return what is found in one sentence; of a long reply only what is said outright, for stories have names too."""
    if not _ANOTHER_MATTER.isdisjoint(words):  # "the wrong number of items", "he died laughing"
        return None
    if not _RARE.isdisjoint(words) and (found := _SURE.search(text)):
        return found[0].strip()
    if len(words) > _MAX_WORDS_NAMED or (not is_answer and words_of_reply > _MAX_WORDS_OF_STORY):
        return None
    is_answer = is_answer and words_of_reply <= _MAX_WORDS_BOLD
    if not _END.isdisjoint(words) and (found := _GONE.fullmatch(text)):
        return found[0].strip()
    if is_answer and len(words) <= _MAX_WORDS_UNASKED and (found := _UNNAMED.search(text)):
        return found[0].strip()
    if _is_of_somebody(text, is_answer=is_answer):
        return text.strip()
    is_short = is_answer or len(words) <= _MAX_WORDS_UNASKED
    return text.strip() if is_short and _is_not_somebody(text, is_answer=is_answer) else None


def _is_of_somebody(text: str, *, is_answer: bool) -> bool:
    """Say whether the sentence says where somebody is instead: "no Linda here", "Bob moved away"."""
    matches = (pattern.match(text.rstrip()) for pattern in _OF_SOMEBODY)
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
