"""Words for more than the list: "STOP ALL", "remove me from every list"; not "stop texting me all day".

What they are is in `data/everything.toml`. The patterns run on RE2, and only where one of the words is in the text.
"""

import tomllib
from collections.abc import Iterator, Sequence
from importlib.resources import files

import re2

from services.optout.rules.normalised_reply import NormalisedReply

_DATA = {
    name: tuple(words.split())
    for name, words in tomllib.loads(files(__package__).joinpath("data", "everything.toml").read_text("utf-8")).items()
}
_MAX_PARTS = 40
_MAX_WORDS = 40


def _any_of(*names: str) -> str:
    words = {word for name in names for word in _DATA[name]}
    return "(?:" + "|".join(sorted(words, key=lambda word: (-len(word), word))) + ")"


_ANY_LIST = rf"(?:any(?: {_any_of('of')})*(?: {_any_of('lists')})+|any (?:kind|sort)s?(?: at all)?)"
_EVERYTHING = rf"(?:{_any_of('all')}(?: {_any_of('of')})*(?: {_any_of('things', 'lists')})*|{_ANY_LIST})"
_LEAVING, _BETWEEN = _any_of("leaving"), f"(?: {_any_of('between', 'of', 'things')})"
_TAIL = f"(?: {_any_of('after')})*"
_LEAVING_EVERYTHING = re2.compile(rf"(?:^| ){_LEAVING}{_BETWEEN}{{0,6}} {_EVERYTHING}{_TAIL}$")
"""unsubscribe me from all lists"""
_REFUSING_EVERYTHING = re2.compile(
    rf"(?:^| ){_any_of('not')}(?: \S+)?(?: {_any_of('sending')}){_BETWEEN}{{0,6}} {_EVERYTHING}{_TAIL}$"
)
"""no more texts of any kind"""
_EVERYTHING_FIRST = re2.compile(rf"^{_EVERYTHING} (?P<rest>{_LEAVING})$")
"""all messages stop"""
_EVERYTHING_LAST = re2.compile(rf"^(?P<rest>.+?) {_EVERYTHING}{_TAIL}$")
"""opt out of all"""
_OFFERED = re2.compile(rf"(?:^| ){_LEAVING}{_BETWEEN}{{0,4}} {_EVERYTHING}(?:$| {_any_of('from')} )")
"""... to unsubscribe from all texts"""
_JOINED = re2.compile(rf"^(?P<rest>{_any_of('run_together')}){_any_of('all')}$")
"""stopall"""
_SCRIPT_ALL = _any_of("script_all")
_IN_SCRIPT = re2.compile(rf"^(?:{_SCRIPT_ALL}(?P<after>.{{1,8}})|(?P<before>.{{1,8}}?){_SCRIPT_ALL})$")
"""Scripts without spaces."""
_SIGNALS = frozenset((*_DATA["all"], "any"))
_NOT = frozenset(_DATA["not"])
_NAMING = frozenset((*_DATA["things"], *_DATA["lists"]))
_BETWEEN_WORDS = frozenset((*_DATA["between"], *_DATA["of"]))


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
        if word.endswith(_DATA["all"]) and (found := _JOINED.fullmatch(word)):
            return str(found["rest"])
    return None


def _in_script(text: str) -> str | None:
    """Return the words beside those for everything in a script without spaces."""
    if not (text.startswith(_DATA["script_all"]) or text.endswith(_DATA["script_all"])):
        return None
    found = _IN_SCRIPT.fullmatch(text)
    return (found["after"] or found["before"]).strip() if found else None


def offers_everything(aim: str) -> bool:
    """Say whether what a message says that a word is for, in normalised words, is to leave all that it sends."""
    return _OFFERED.search(aim) is not None
