"""The reply that repeats, badly, the word that it was asked to send."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from services.optout.rules.detectors.finding import Certainty, Finding
from services.optout.rules.detectors.slips import is_thumbs_slip, shortened, slips, with_letters
from services.optout.rules.detectors.words import FREQUENT, read_words
from services.optout.rules.normalised_reply import NormalisedReply
from services.optout.rules.standalone import CHATTY, POLITE
from shared.instructions.find import Instruction

MAX_WORDS = 9
_MAX_CHARACTERS = 64
_STANDARD = ("stop", "unsubscribe", "stopall", "optout")
"""What people write unasked, and nobody means otherwise."""
_ALSO_ASKED_FOR = ("stop", "unsubscribe", "stopall", "optout", "end", "quit", "cancel")

_DATA = tomllib.loads(files(__package__).joinpath("data", "echo.toml").read_text("utf-8"))
_BESIDE = POLITE | CHATTY
_BEFORE = _BESIDE | frozenset(_DATA["asking"].split())
_LEAVE = "end|ends|quit|stop|optout|opt out|out|unsub|unsubscribe|cancel|exit|leave|opt|optou|stop all|all"
_AIM = re.compile(
    rf" ?(?:to|2|too|two|4|for|and|or|/)? ?(?:{_LEAVE})?(?: (?:to|2|too|4|and|or) (?:{_LEAVE}|be removed|leave))?$"
)
_RUN_ON = re.compile(rf"(?:to|2|too|two|4|and)?(?:{_LEAVE.replace(' ', '')})")
_AFTER = frozenset(_DATA["after"].split())
_LONG = 8
_MOST_SLIPS = 4
_FEW_WORDS = 2
_OPPOSITES = frozenset(("subscribe", "optin", "unstop", "start", "optedin", "resubscribe", "nonstop", "dontstop"))


_ORDINARY_WORDS = read_words("ordinary.txt")


def find_echo(normalised: NormalisedReply, offered: Instruction | None) -> Finding | None:
    """Return what a reply that is nothing but a word, misspelt, says; None where it says more than that."""
    words = normalised.words
    if not normalised.text or len(words) > MAX_WORDS or len(normalised.text) > _MAX_CHARACTERS:
        return None
    asked = offered.words if offered is not None else ()
    if asked and (word := _word_of("".join(words), asked)):
        return Finding("opt_out", "echo", normalised.text, word)
    core = _core(words)
    if not asked and len(core) == 1 and core[0] in _STANDARD and not CHATTY.isdisjoint(words):
        return None  # "so stop", to nobody's question: how sure that is, the keywords say
    return _find(core, asked) if core else None


def _word_of(joined: str, asked: Sequence[str]) -> str:
    """Return the word that was asked for and is all of the reply, written apart or together: "no gym" for NOGYM."""
    return next((word for word in asked if len(joined) > 1 and word.replace(" ", "") == joined), "")


class _Written(NamedTuple):
    """A reply without its politeness: its words, and the ways to read them as one word."""

    core: tuple[str, ...]
    text: str
    joined: str
    spellings: tuple[str, ...]
    shortened: tuple[str, ...]


def _find(core: tuple[str, ...], asked: tuple[str, ...]) -> Finding | None:
    near = _meant(asked) if len(core) <= _FEW_WORDS else _near(core, asked)
    return _found(core, asked, near) if near else None


@lru_cache(maxsize=1_024)
def _meant(asked: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the words that a reply may repeat, with and without spaces: those asked for, and those written anyway."""
    words = dict.fromkeys((*asked, *(_ALSO_ASKED_FOR if asked else _STANDARD)))
    return tuple((word, word.replace(" ", "")) for word in words)


def _near(core: tuple[str, ...], asked: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return those of the words that the reply may repeat: spares most sentences the work, and changes no finding."""
    joined = "".join(core)
    letters, beginning = len(shortened(joined)) - _MOST_SLIPS, _alike(core[0], asked)
    return tuple(
        [each for each in _meant(asked) if letters <= len(each[1]) or each[1] in joined or each[1] in beginning]
    )


@lru_cache(maxsize=16_384)
def _alike(first: str, asked: tuple[str, ...]) -> frozenset[str]:
    """Return those of the words that the first one of a reply may be, with a slip."""
    short = shortened(first)
    return frozenset(plain for _, plain in _meant(asked) if slips(short, plain, 1) <= 1)


@lru_cache(maxsize=4_096)
def _found(core: tuple[str, ...], asked: tuple[str, ...], near: tuple[tuple[str, str], ...]) -> Finding | None:
    joined = "".join(core)
    spellings = tuple(dict.fromkeys((joined, shortened(joined), with_letters(joined))))
    written = _Written(core, " ".join(core), joined, spellings, tuple(map(shortened, core)))
    findings = (
        (word, _repeats(written, word, plain, is_asked=word in asked, was_instructed=bool(asked)))
        for word, plain in near
    )
    return _surest(replace(finding, word=word) if finding else None for word, finding in findings)


def _surest(findings: Iterable[Finding | None]) -> Finding | None:
    held: Finding | None = None
    for finding in findings:
        if finding is not None and finding.kind == "opt_out":
            return finding
        held = held or finding
    return held


def _core(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words without those that ask for others, politeness and numbers around them."""
    begin, end = 0, len(words)
    while begin < end and words[begin] in _BEFORE:
        begin += 1
    while end > begin + 1 and (words[end - 1] in _BESIDE or words[end - 1].isdecimal()):
        end -= 1
    return tuple(words[begin:end] or words)


def _repeats(written: _Written, word: str, plain: str, *, is_asked: bool, was_instructed: bool) -> Finding | None:
    core, text, joined, spellings, _ = written
    if joined in _OPPOSITES and joined != plain:
        return None
    if (
        (_is_word_and_aim(text, word) and (was_instructed or len(core) > 2))
        or _is_run_on(joined, plain, instructed_or_one=was_instructed or len(core) == 1, was_instructed=was_instructed)
        or _is_shouted(written.shortened, plain)
    ):
        return Finding("opt_out", "echo", text)
    answers = [
        _misspells(each, plain, is_asked=is_asked, was_instructed=was_instructed, one_word=len(core) == 1)
        for each in spellings
    ]
    beside = _first_word(core, plain) if is_asked and len(core) > 1 else None
    return _surest([*(Finding(answer, "echo", text) for answer in answers if answer), beside])


def _is_word_and_aim(text: str, word: str) -> bool:
    """Say whether the reply repeats the instruction: `stop to opt out`, `stop 2 end`."""
    return text.startswith(word) and len(text) > len(word) and _AIM.fullmatch(text, len(word)) is not None


def _is_run_on(joined: str, word: str, *, instructed_or_one: bool, was_instructed: bool) -> bool:
    """Say whether the word is run together with itself, its aim, or politeness: `stop2end`, `stopplease`."""
    if joined == word:
        return True
    if not joined.startswith(word):
        return joined.endswith(word) and joined[: -len(word)] in (*POLITE, "reply", "text", "txt")
    rest = joined[len(word) :]
    if rest.isdecimal():
        return was_instructed
    return not rest.replace(word, "") or (instructed_or_one and (rest in _AFTER or _RUN_ON.fullmatch(rest) is not None))


def _is_shouted(words: Sequence[str], word: str) -> bool:
    """Say whether the reply is the word again and again, however spelt."""
    return len(words) > 1 and all(slips(each, word, 1) <= 1 for each in words)


def _misspells(spelling: str, word: str, *, is_asked: bool, was_instructed: bool, one_word: bool) -> Certainty | None:
    """Return `opt_out` for one slip, `held` for what is further away or a word of its own."""
    if spelling == word:
        return "opt_out"
    limit = _MOST_SLIPS if len(word) >= _LONG else 2
    count = slips(spelling, word, limit)
    if spelling in _ORDINARY_WORDS:
        return "held" if is_asked and one_word and _looks_alike(spelling, word, count) else None
    if len(word) >= _LONG:
        return "opt_out" if count <= 2 or _is_cut_off(spelling, word) else "held" if count <= limit else None
    if count == 1 and (len(word) > 3 or is_asked) and (was_instructed or len(word) > 3):
        return _one_slip(spelling, word, is_asked=is_asked, was_instructed=was_instructed)
    if not is_asked:
        return None
    if _is_cut_off(spelling, word):
        return "held" if one_word else None
    is_near = count == 2 and len(word) > 3 and len(spelling) > 2 and spelling not in FREQUENT
    return "held" if is_near and (_begins_alike(spelling, word) or _shared_letters(spelling, word) >= 3) else None


def _one_slip(spelling: str, word: str, *, is_asked: bool, was_instructed: bool) -> Certainty | None:
    if is_thumbs_slip(spelling, word):
        return "opt_out" if is_asked or (len(word) > 3 and spelling[0] == word[0]) or was_instructed else "held"
    if is_asked:
        return "opt_out" if len(word) > 3 and spelling[0] == word[0] else "held"
    return "held" if spelling[0] == word[0] else None


def _is_cut_off(spelling: str, word: str) -> bool:
    return word.startswith(spelling) and len(spelling) >= (5 if len(word) >= _LONG else 2)


def _begins_alike(spelling: str, word: str) -> bool:
    return spelling[0] == word[0] or (
        len(spelling) == len(word) and sum(map(str.__eq__, spelling, word)) >= len(word) - 2
    )


def _shared_letters(spelling: str, word: str) -> int:
    return (Counter(spelling) & Counter(word)).total()


def _looks_alike(spelling: str, word: str, count: int) -> bool:
    """Say whether a phone may have made the ordinary word of this one."""
    if count == 1:
        return True
    same_ends = spelling[0] == word[0] and spelling[-1] == word[-1] and abs(len(spelling) - len(word)) <= 1
    return count == 2 and len(word) > 3 and (same_ends or sorted(spelling) == sorted(word))


def _first_word(core: Sequence[str], word: str) -> Finding | None:
    """Return the finding for the word with little beside it, such as a letter that was hit too."""
    short = [each for each in core if len(each) > 1]
    if len(short) == 1 and len(core) == 2 and short[0] != "stop" and slips(short[0], word, 1) <= 1:
        return Finding("opt_out" if short[0] == word else "held", "echo", " ".join(core))
    return Finding("opt_out", "echo", " ".join(core)) if len(core) == 2 and short == [word] else None
