"""The words for more than the list, and whether a message offers to leave all that its sender sends.

The words are in `data/everything.toml`; `services.optout.rules.everything` looks for them in replies.
"""

import tomllib
from importlib.resources import files

import re2

EVERYTHING_WORDS = {
    name: tuple(words.split())
    for name, words in tomllib.loads(files(__package__).joinpath("data", "everything.toml").read_text("utf-8")).items()
}


def any_of(*names: str) -> str:
    words = {word for name in names for word in EVERYTHING_WORDS[name]}
    return "(?:" + "|".join(sorted(words, key=lambda word: (-len(word), word))) + ")"


_ANY_LIST = rf"(?:any(?: {any_of('of')})*(?: {any_of('lists')})+|any (?:kind|sort)s?(?: at all)?)"
EVERYTHING = rf"(?:{any_of('all')}(?: {any_of('of')})*(?: {any_of('things', 'lists')})*|{_ANY_LIST})"
LEAVING, BETWEEN = any_of("leaving"), f"(?: {any_of('between', 'of', 'things')})"
TAIL = f"(?: {any_of('after')})*"
SAID_AMONG_FRIENDS = frozenset(
    ("end", "quit", "cancel", "remove", "revoke", "out", "leave", "exit", "no", "para", "fin", "sair")
)
"""Words for leaving that are said for other reasons, too."""
JOINED_WITH_ALL = frozenset(EVERYTHING_WORDS["run_together"]) - SAID_AMONG_FRIENDS
"""Words that "all" may follow without a space: stopall."""
_WITH_ALL = re2.compile(rf"(.+) {any_of('all')}")
"""stop all"""
_OFFERED = re2.compile(rf"(?:^| ){LEAVING}{BETWEEN}{{0,4}} {EVERYTHING}(?:$| {any_of('from')} )")
"""... to unsubscribe from all texts"""


def offers_everything(aim: str) -> bool:
    """Say whether what a message says that a word is for, in normalised words, is to leave all that it sends."""
    return _OFFERED.search(aim) is not None


def without_all(word: str) -> str | None:
    """Return what a normalised word for all that a sender sends begins with: of "stop all" "stop".

    None where it is not one, or where that word alone would not be taken for an opt-out by everybody.
    """
    found = _WITH_ALL.fullmatch(word) if " " in word else None
    return found[1] if found and found[1] not in SAID_AMONG_FRIENDS else None
