"""Requests in ordinary language: "stop texting me", "take me off your list"; not "don't stop", not "stop the war"."""

from services.optout.rules.detectors.finding import Finding
from services.optout.rules.detectors.judgement import Judgement, is_about_another_thing, judge
from services.optout.rules.detectors.languages import find_request
from services.optout.rules.detectors.leave_words import find_leave_words
from services.optout.rules.detectors.phrases import Finder, Grammar, compile_re2
from services.optout.rules.detectors.words import canonical
from services.optout.rules.normalised_reply import NormalisedReply
from services.optout.rules.pack_words import PACK_WORDS
from services.optout.rules.standalone import POLITE
from services.optout.rules.word_classes import WORD_CLASSES
from shared.instructions.find import Instruction
from shared.instructions.normalise import normalise

MAX_SENTENCES = 40
_MAX_WORDS_ALONE = 30
_MAX_WORDS_IN_ANSWER = 16

_MAX_WORDS_OF_PACK_WORD = 6
_WORDS_OF_PACKS = frozenset(normalise(word) for pack in PACK_WORDS.values() for word in pack.words)

_ENGLISH = Grammar("requests_en.txt")
_AROUND = f"{_ENGLISH.group('around')}*"
_CERTAIN = _ENGLISH.compile("certain")
_LIKELY = _ENGLISH.compile("likely")
_WITHIN_ANSWER = _ENGLISH.compile("likely_within_answer")
_CERTAIN_ALONE = compile_re2(f"{_AROUND}(?P<core>{_ENGLISH.pattern('certain_alone')}){_AROUND}")
_LIKELY_ALONE = compile_re2(f"{_AROUND}(?P<core>{_ENGLISH.pattern('likely_alone')}){_AROUND}")
_IN_ANSWER = compile_re2(f"{_AROUND}(?P<core>{_ENGLISH.pattern('likely_in_answer')}){_AROUND}")
_PARTIAL = _ENGLISH.compile("partial_in_answer")
_COMPLAINS = _ENGLISH.compile("complaint_in_answer")
_OF_FRIENDS = _ENGLISH.compile("of_friends")
_COMPLAINT = _ENGLISH.compile("complaint")
_AGREEING = frozenset(("sign", "signed", "agreed", "subscribed", "opted", "asked", "gave"))
_UNASKED = ("certain", "certain_alone", "likely", "likely_alone")
_ONLY_IN_ANSWER = ("likely_within_answer", "likely_in_answer", "partial_in_answer", "complaint_in_answer")
_MAY_BE = {name: _ENGLISH.section(name) for name in (*_UNASKED, *_ONLY_IN_ANSWER)}
_LOOKED_FOR = {False: sum(_MAY_BE[name] for name in _UNASKED), True: sum(_MAY_BE.values())}


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
    if not normalised.opened & _LOOKED_FOR[is_answer]:
        return None
    likely = None
    for sentence in normalised.sentences[:MAX_SENTENCES]:
        opened = WORD_CLASSES.opened_by(sentence) & _LOOKED_FOR[is_answer]
        finding = _in_sentence(canonical(sentence), opened, is_answer=is_answer) if opened else None
        if finding is not None and finding.kind == "opt_out":
            return finding
        likely = likely or finding
    is_short_answer = is_answer and len(normalised.words) <= _MAX_WORDS_IN_ANSWER
    return likely or (_in_answer(normalised) if is_short_answer else None)


def _in_answer(normalised: NormalisedReply) -> Finding | None:
    """Return what is a request only because it answers a message that offered a way out."""
    for sentence in dict.fromkeys((*normalised.sentences, *normalised.clauses[:MAX_SENTENCES], normalised.text)):
        if WORD_CLASSES.opened_by(sentence) & _MAY_BE["likely_in_answer"]:
            found = _IN_ANSWER.fullmatch(canonical(sentence))
            if found is not None:
                return Finding("held", "plain_words", found["core"].strip())
    return None


def _in_sentence(text: str, opened: int, *, is_answer: bool) -> Finding | None:
    if _AGREEING.isdisjoint(text.split()) and _COMPLAINT.search(text):
        return None
    words = text.count(" ")
    is_short = words <= _MAX_WORDS_ALONE
    if is_short and opened & _MAY_BE["certain_alone"] and (alone := _CERTAIN_ALONE.fullmatch(text)):
        return Finding("opt_out", "plain_words", alone["core"].strip())
    if opened & _MAY_BE["certain"] and (found := _first(_CERTAIN, text)):
        return Finding("opt_out" if found[1] == "as found" else "held", "plain_words", found[0])
    may_be_alone = is_short and (is_answer or words > 1) and opened & _MAY_BE["likely_alone"]
    if may_be_alone and (alone := _LIKELY_ALONE.fullmatch(text)):
        return Finding("held", "plain_words", alone["core"].strip())
    if opened & _MAY_BE["likely"] and (is_answer or not _OF_FRIENDS.search(text)) and (found := _first(_LIKELY, text)):
        return Finding("held", "plain_words", found[0])
    return _only_in_answer(text, opened) if is_answer else None


def _only_in_answer(text: str, opened: int) -> Finding | None:
    """Return what complains, asks for less, or is what friends say, too."""
    if opened & _MAY_BE["complaint_in_answer"] and (match := _COMPLAINS.search(text)):
        about = is_about_another_thing(text, match.start() + len(match[0]))
        return None if about else Finding("held", "complaint", match[0].strip())
    if opened & _MAY_BE["partial_in_answer"] and (partial := _first(_PARTIAL, text)):
        return Finding("held", "partial", partial[0])
    found = _first(_WITHIN_ANSWER, text) if opened & _MAY_BE["likely_within_answer"] else None
    return Finding("held", "plain_words", found[0]) if found else None


def _first(pattern: Finder, text: str) -> tuple[str, Judgement] | None:
    """Return the first match that counts, and how much."""
    for match in pattern.finditer(text):
        judgement = judge(text, match.start(), match.start() + len(match[0]))
        if judgement != "nothing":
            return match[0].strip(), judgement
    return None
