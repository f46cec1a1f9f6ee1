"""Requests in ordinary language: "stop texting me", "take me off your list"; not "don't stop", not "stop the war"."""

from services.optout.rules.detectors.finding import Certainty, Finding
from services.optout.rules.detectors.languages import find_request
from services.optout.rules.detectors.leave_words import find_leave_words
from services.optout.rules.detectors.phrases import Finder, Grammar, compile_re2
from services.optout.rules.detectors.words import canonical, prefilter, rare
from services.optout.rules.normalised_reply import NormalisedReply
from services.optout.rules.pack_words import PACK_WORDS
from services.optout.rules.standalone import POLITE
from shared.instructions.find import Instruction
from shared.instructions.normalise import normalise

MAX_SENTENCES = 40
MAX_WORDS = 500
_MAX_WORDS_ALONE = 30
_MAX_WORDS_IN_ANSWER = 16

_MAX_WORDS_OF_PACK_WORD = 6
_MAX_WORDS_AROUND_ONE = 3
_WORDS_OF_PACKS = frozenset(normalise(word) for pack in PACK_WORDS.values() for word in pack.words)

_ENGLISH = Grammar("requests_en.txt")
_OTHER = Grammar("requests_other.txt")
_AROUND = f"{_ENGLISH.group('around')}*"
_CERTAIN = _ENGLISH.compile("certain")
_LIKELY = _ENGLISH.compile("likely")
_WITHIN_ANSWER = _ENGLISH.compile("likely_within_answer")
_CERTAIN_ALONE = compile_re2(f"{_AROUND}(?P<core>{_ENGLISH.pattern('certain_alone')}){_AROUND}")
_LIKELY_ALONE = compile_re2(f"{_AROUND}(?P<core>{_ENGLISH.pattern('likely_alone')}){_AROUND}")
_IN_ANSWER = compile_re2(f"{_AROUND}(?P<core>{_ENGLISH.pattern('likely_in_answer')}){_AROUND}")
_TURNED = compile_re2(f"(?:^| ){_ENGLISH.pattern('turned')}$")
_OF_FRIENDS = _ENGLISH.compile("of_friends")
_COMPLAINT = _ENGLISH.compile("complaint")
_AGREEING = frozenset(("sign", "signed", "agreed", "subscribed", "opted", "asked", "gave"))
_RARE = _ENGLISH.words("rare")
_FREQUENT = _ENGLISH.words("frequent")
_OBJECTS = _ENGLISH.words("objects")
_OTHERS_REQUEST = _OTHER.compile("requests")
_OTHERS = rare(_OTHER.vocabulary("requests"))
_may_match = prefilter(_ENGLISH.words("signals") | _OTHERS)


def find_plain_words(normalised: NormalisedReply, instruction: Instruction | None) -> Finding | None:
    """Return the request that the reply makes in words of its own; certain ones before likely ones."""
    found = _find_in_english(normalised, is_answer=instruction is not None)
    if found is not None and found.kind == "opt_out":
        return found
    in_languages = find_request(normalised, is_answer=instruction is not None)
    for other in (in_languages, find_leave_words(normalised, instruction)):
        if other is not None and (found is None or other.kind == "opt_out"):
            found = other
    return found or (_pack_word(normalised) if instruction is not None else None)


def _pack_word(normalised: NormalisedReply) -> Finding | None:
    """Return the word of a pack that an answer is; where the account has the pack, its rule has matched before."""
    words = normalised.words
    if len(words) > _MAX_WORDS_OF_PACK_WORD:
        return None
    word = " ".join(each for each in words if each not in POLITE) or normalised.text
    return Finding("held", "plain_words", word, word) if word in _WORDS_OF_PACKS else None


def _find_in_english(normalised: NormalisedReply, *, is_answer: bool) -> Finding | None:
    is_short_answer = is_answer and len(normalised.words) <= _MAX_WORDS_IN_ANSWER
    if not is_short_answer and not any(map(_may_match, normalised.words[:MAX_WORDS])):
        return None
    likely = None
    for sentence in normalised.sentences[:MAX_SENTENCES]:
        finding = _in_sentence(sentence, is_answer=is_answer)
        if finding is not None and finding.kind == "opt_out":
            return finding
        likely = likely or finding
    return likely or (_in_answer(normalised) if is_short_answer else None)


def _in_answer(normalised: NormalisedReply) -> Finding | None:
    """Return what is a request only because it answers a message that offered a way out."""
    for sentence in normalised.sentences:
        if found := _IN_ANSWER.fullmatch(canonical(sentence)):
            return Finding("held", "plain_words", found["core"].strip())
    return None


def _in_sentence(sentence: str, *, is_answer: bool) -> Finding | None:
    text = canonical(sentence)
    words = text.split()
    if not _OTHERS.isdisjoint(words) and (found := _OTHERS_REQUEST.search(text)):
        return Finding(_kind_of_others(found[0], len(words), is_answer=is_answer), "plain_words", found[0].strip())
    if _RARE.isdisjoint(words) and (_FREQUENT.isdisjoint(words) or _OBJECTS.isdisjoint(words)):
        return None
    if _AGREEING.isdisjoint(words) and _COMPLAINT.search(text):
        return None
    return _english(text, len(words), is_answer=is_answer)


def _kind_of_others(term: str, words: int, *, is_answer: bool) -> Certainty:
    """Return how certain a request is: a single word such as "abmelden", in a sentence, is often about other things."""
    is_alone = len(term.split()) > 1 or words <= _MAX_WORDS_AROUND_ONE
    return "opt_out" if is_answer and is_alone else "held"


def _english(text: str, words: int, *, is_answer: bool) -> Finding | None:
    is_short = words <= _MAX_WORDS_ALONE
    if is_short and (alone := _CERTAIN_ALONE.fullmatch(text)):
        return Finding("opt_out", "plain_words", alone["core"].strip())
    if found := _first(_CERTAIN, text):
        return Finding("opt_out", "plain_words", found)
    if is_short and (is_answer or words > 1) and (alone := _LIKELY_ALONE.fullmatch(text)):
        return Finding("held", "plain_words", alone["core"].strip())
    if (is_answer or not _OF_FRIENDS.search(text)) and (found := _first(_LIKELY, text)):
        return Finding("held", "plain_words", found)
    if is_answer and (found := _first(_WITHIN_ANSWER, text)):
        return Finding("held", "plain_words", found)
    return None


def _first(pattern: Finder, text: str) -> str | None:
    found = (match for match in pattern.finditer(text) if not _TURNED.search(text[: match.start() + 1]))
    return next((match[0].strip() for match in found), None)
