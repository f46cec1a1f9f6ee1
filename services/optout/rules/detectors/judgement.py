"""The words around a request: who asks, whether the opposite is asked for, and what it is about.

Every request that is found in English is judged here before it counts: "don't remove me" asks for nothing, "my cousin
wants to unsubscribe" is somebody else's, and "unsubscribe me from Hulu" is about another matter. A language's file says
the same of its own words.
"""

import re
from typing import Literal, TypeAlias

from services.optout.rules.detectors.phrases import Grammar, compile_re2

Judgement: TypeAlias = Literal["as found", "not certain", "nothing"]

_ENGLISH = Grammar("requests_en.txt")
_TURNED = compile_re2(f"(?:^| ){_ENGLISH.pattern('turned')}$")
_ABOUT = re.compile(
    r"(?:(?:me|us) )?(?:from|off|of|on|to|for) (?:(?:the|my|our|a|an|his|her|their) )?(\w+) (?:(\w+) )?"
)
_OTHER_THINGS = _ENGLISH.words("other_things")
_OWN_THINGS = _ENGLISH.words("own_things")


def is_turned(text: str, start: int) -> bool:
    """Say whether what is before a request makes the opposite of it, or somebody else's."""
    return _TURNED.search(text[: start + 1]) is not None


def judge(text: str, start: int, end: int) -> Judgement:
    """Return what a request that was found there in a sentence is worth."""
    about = _ABOUT.match(text, end)
    if is_turned(text, start) or _is_another_thing(about, text, end):
        return "nothing"
    return "as found" if about is None or about[1] in _OWN_THINGS else "not certain"


def is_about_another_thing(text: str, end: int) -> bool:
    """Say whether what follows a request names something that is not about messages: "from hulu", "to the gym"."""
    return _is_another_thing(_ABOUT.match(text, end), text, end)


def _is_another_thing(about: "re.Match[str] | None", text: str, end: int) -> bool:
    words = set(filter(None, about.groups())) if about else {text[end:].split(" ", 1)[0]}
    return not words.isdisjoint(_OTHER_THINGS)
