"""Words for more than the list: "STOP ALL", "remove me from every list"; not "stop texting me all day".

What they are is in `shared/instructions/data/everything.toml`. The patterns run on RE2, and only where one of the words
is in the text.
"""

from collections.abc import Iterator, Sequence

import re2

from services.optout.rules.normalised_reply import NormalisedReply
from shared.instructions.everything import BETWEEN, EVERYTHING, EVERYTHING_WORDS, LEAVING, TAIL, any_of

_MAX_PARTS = 40
_MAX_WORDS = 40
_LEAVING_EVERYTHING = re2.compile(rf"(?:^| ){LEAVING}{BETWEEN}{{0,6}} {EVERYTHING}{TAIL}$")
"""unsubscribe me from all lists"""
_REFUSING_EVERYTHING = re2.compile(
    rf"(?:^| ){any_of('not')}(?: \S+)?(?: {any_of('sending')}){BETWEEN}{{0,6}} {EVERYTHING}{TAIL}$"
)
"""no more texts of any kind"""
_EVERYTHING_FIRST = re2.compile(rf"^{EVERYTHING} (?P<rest>{LEAVING})$")
"""all messages stop"""
_EVERYTHING_LAST = re2.compile(rf"^(?P<rest>.+?) {EVERYTHING}{TAIL}$")
"""opt out of all"""
_JOINED = re2.compile(rf"^(?P<rest>{any_of('run_together')}){any_of('all')}$")
"""stopall"""
_SCRIPT_ALL = any_of("script_all")
_IN_SCRIPT = re2.compile(rf"^(?:{_SCRIPT_ALL}(?P<after>.{{1,8}})|(?P<before>.{{1,8}}?){_SCRIPT_ALL})$")
"""Scripts without spaces."""
_SIGNALS = frozenset((*EVERYTHING_WORDS["all"], "any"))
_NOT = frozenset(EVERYTHING_WORDS["not"])
_NAMING = frozenset((*EVERYTHING_WORDS["things"], *EVERYTHING_WORDS["lists"]))
_BETWEEN_WORDS = frozenset((*EVERYTHING_WORDS["between"], *EVERYTHING_WORDS["of"]))


def asks_for_everything(normalised: NormalisedReply) -> bool:
    """Say whether an opt-out says that it is meant for all that the sender sends."""
    if _joined(normalised.words) or _in_script(normalised.text):
        return True
    if _SIGNALS.isdisjoint(normalised.words):
        return False
    parts = dict.fromkeys((*normalised.sentences[:_MAX_PARTS], *normalised.clauses[:_MAX_PARTS]))
    return any(map(_part_asks, parts))


def _part_asks(part: str) -> bool:
    found = _LEAVING_EVERYTHING.search(part)
    if found is not None and _NOT.isdisjoint(part[: found.start()].split()[-1:]):  # not: "dont stop all of it"
        return True
    return _EVERYTHING_FIRST.fullmatch(part) is not None or _REFUSING_EVERYTHING.search(part) is not None


def names_what(normalised: NormalisedReply) -> bool:
    """Say whether a reply names lists or messages: "leave all lists", not "leave everything"."""
    return not _NAMING.isdisjoint(normalised.words)


def may_be_everything(normalised: NormalisedReply) -> bool:
    """Say whether `without_everything` may find something: of most replies this is known at once."""
    return len(normalised.words) == 1 or not normalised.text.isascii() or not _SIGNALS.isdisjoint(normalised.words)


def without_everything(normalised: NormalisedReply) -> Iterator[str]:
    """Yield what may be left of a short reply without its words for everything: of "opt out of all" "opt out"."""
    if rest := _in_script(normalised.text) or (_joined(normalised.words) if len(normalised.words) == 1 else None):
        yield rest
    if len(normalised.words) > _MAX_WORDS or _SIGNALS.isdisjoint(normalised.words):
        return
    if found := _EVERYTHING_FIRST.fullmatch(normalised.text):
        yield found["rest"]
    if found := _EVERYTHING_LAST.fullmatch(normalised.text):
        yield from _without_words_between(found["rest"].split())


def _without_words_between(words: list[str]) -> Iterator[str]:
    """Yield "opt out of", then "opt out": as long as the last word only joins a request and everything."""
    for end in range(len(words), 0, -1):
        yield " ".join(words[:end])
        if words[end - 1] not in _BETWEEN_WORDS:
            return


def _joined(words: Sequence[str]) -> str | None:
    """Return the word that one for everything is appended to without a space: `stopall`."""
    for word in words[:_MAX_WORDS]:
        if word.endswith(EVERYTHING_WORDS["all"]) and (found := _JOINED.fullmatch(word)):
            return str(found["rest"])
    return None


def _in_script(text: str) -> str | None:
    """Return the words beside those for everything in a script without spaces."""
    if not (text.startswith(EVERYTHING_WORDS["script_all"]) or text.endswith(EVERYTHING_WORDS["script_all"])):
        return None
    found = _IN_SCRIPT.fullmatch(text)
    return (found["after"] or found["before"]).strip() if found else None
