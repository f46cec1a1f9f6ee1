"""The instruction of a message, answered or yet to be sent: what to reply in order to leave, or in order to stay.

Four forms of an offer are looked for, in this order:

1. A request to reply with a word: "reply STOP to opt out", "text YES or Y to join". A word that is usually one for
   leaving leads out; of any other word, the aim after it says whether it leads out or in.
2. A run-together form that says both: "stop2end".
3. A word and the number to send it to, as French carriers want it: "STOP au 36180", "STOP SMS 36180".
4. A word with its aim: "QUIT=stop". A word that is not one for leaving counts only where the message has another offer
   and writes this word in capitals, as keywords are.
5. The same in Russian, Chinese and Japanese: `scripts.py`.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple

from shared.instructions.everything import offers_everything
from shared.instructions.normalise import cut, fold, latin, words_of
from shared.instructions.numbers import NUMBER, SAID_OF_NUMBER, digits_of
from shared.instructions.scripts import offers_in_other_scripts

MAX_MESSAGE_CHARACTERS = 4_000
"""Of a longer message only the beginning and the end are read; the longest SMS has 1,600."""
MAX_TEXT_CHARACTERS = 160
_REMEMBERED_CHARACTERS = 512
"""Of a message whose offers are remembered: longer ones are personal, and 4,096 of them would be hundreds of MB."""
MAX_WORDS = 6

_SAY = (
    r"(?:reply|rply|rpl|respond|answer|text|txt|send|sms|type|return|msg|message"
    r"|by (?:replying|responding|texting|sending)"
    r"|responda|responde|contesta|conteste|envia|envie|escribe|manda|texto"
    r"|repondez|repond|envoyez|envoyer|tapez|texter|sende|senden sie|antworte|antworten sie|antworten|rispondi|invia"
    r"|antwoord|stuur|odpowiedz|wyslij|yanitla|gonder)"
)
_FILL = (
    r"(?:\s+(?:with|back|the word|word|a|by|mit|met|con|com|avec|la palabra|a palavra|le mot|sms|msg|us|only|just)\b)*"
)
_WORD = r"[\"'\u201c\u00ab\u2018(]{0,3}\s?([^\W_][\w-]{0,24}(?:[ ](?:all|out)\b)?)\s?[\"'\u201d\u00bb\u2019)]{0,3}"
_OR = r"(?:/|,|(?:or|ou|o|oder|of)\b)"
_LEAVE = (
    r"(?:opt\W?out|opt\W?-out|optout|stop|quit|end|cancel|unsub\w*|leave|exit|remove|be removed|discontinue|"
    r"unenroll|decline|"
    r"cease|no longer|not receive|rmv|salir|cancelar|parar|baja|detener|sair|descadastrar|desabon\w*|desinscri\w*|"
    r"arret\w*|"
    r"stopper|ne plus|annuler|abmelden|abbestellen|stoppen|disattiva\w*|annulla\w*|cancella\w*|afmelden)"
)
_STAY = (
    r"(?:opt\W?in|subscribe|join|confirm (?:your |the )?(?:subscri|opt|enrol)|receive|get|"
    r"sign\W?up|enroll|start|agree|continue|resubscribe|"
    r"confirmar su suscrip|suscrib\w*|inscri\w*|abonn\w*|bestatigen|anmelden)"
)
_TO_NUMBER = rf"(?:\s*(?:(?:to|au|al|a|an|para|naar|do|na|til|till)\b|@|->)\s?{SAID_OF_NUMBER}({NUMBER})\b)"
_TO = rf"{_TO_NUMBER}?\s*(?P<by>to|2|4|for|if|and|para|pour|per|um|om|a|zum|=|-|:|,)?\s*"
_ASKED = re.compile(rf"\b{_SAY}\b{_FILL}\s*:?\s*{_WORD}(?:\s*{_OR}\s*{_WORD})?(?:\s*{_OR}\s*{_WORD})?")
_NEGATIONS = ("not ", "never ", "n't ", "n\u2019t ", "dont ")
_NOT_ASKED = re.compile(rf"(?:cannot|(?<!\bif )\bnot|\bnever|n['\u2019]t|\bdont) {_SAY}\b{_FILL}\s*:?\s*{_WORD}")
"""Do not reply STOP; but "if not reply STOP" asks."""
_WHAT_FOR = re.compile(rf"{_TO}(?:\w+\s+){{0,4}}?(?:(?P<leave>{_LEAVE})|(?P<stay>{_STAY}))\b")
_SENT_TO = re.compile(_TO_NUMBER)
_RUN_TOGETHER = re.compile(
    r"\b((?:stop|end|quit|txt|text|cancel|stp)(?: ?-?[24] ?-?|to)"
    r"(?:stop|end|quit|cancel|optout|opt\W?out|unsub\w*|out|leave|exit))\b"
)
_TO_A_NUMBER = re.compile(r"\b(stop)(?: ?(?:sms|pub))?(?: ?(?:sms|au|@|:)) ?(?P<number>[0-9]{4,6})\b")
_LONGER_WORD = _WORD.replace("{0,24}", "{1,24}")
_IN_ORDER_TO_LEAVE = rf"(?:=|to|2|for|->)\s*({_LEAVE})\b"
_AIM = re.compile(_IN_ORDER_TO_LEAVE)
_EQUALS = re.compile(rf"{_LONGER_WORD}\s*{_IN_ORDER_TO_LEAVE}")
_WORD_CHARACTERS = 48
"""More than `_LONGER_WORD` can have, with quotation marks and spaces."""
_NEXT_OFFER = re.compile(r"[.!?;,]|\b(?:or|ou|oder|of|o)\s+[^\W_]+\s+(?:to|2|for|para|pour|um|om)\b")
_AIM_CHARACTERS = 80
_CHARACTERS_AFTER = 60
"""Of the message after its last offer, in the text of the instruction."""
_NAMED = tomllib.loads(files(__package__).joinpath("data", "instruction.toml").read_text("utf-8"))
_LEAVE_WORDS = frozenset(_NAMED["leave"].split())
_STAY_WORDS = frozenset(_NAMED["stay"].split())
_HELP_WORDS = frozenset(("help", "info"))
_LETTERS_ALONE = frozenset("aeiou")
"""Words of one letter that are seldom a keyword: "we text u to stop"."""
_IN_ORDER_TO = frozenset(("to", "for", "para", "pour", "per", "um", "om", "zum", "=", ":"))
"""Before the aim of a keyword that is a single letter or digit."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """The offers of a message.

    `words` lead out, `stay_words` in: normalised, in their order, none where the message names none. `for_everything`
    are those of `words` that lead out of all that the sender sends. `sent_to` has each of `words` with the digits of
    the number that it is to be sent to, which are empty where it is to be a reply. `text` is where they were found.
    """

    words: tuple[str, ...]
    is_opt_in_question: bool
    text: str
    stay_words: tuple[str, ...] = ()
    for_everything: tuple[str, ...] = ()
    sent_to: tuple[tuple[str, str], ...] = ()


class _Offer(NamedTuple):
    """An offer in a message: its words, where they lead, and where it is in the folded text."""

    words: Sequence[str]
    leads: Literal["out", "in"]
    is_for_everything: bool
    start: int
    end: int
    number: str = ""


def find_instruction(message: str) -> Instruction | None:
    """Return the words that `message` offers for leaving, or for staying; None where it offers neither."""
    return _remembered(message) if len(message) <= _REMEMBERED_CHARACTERS else _found(message)


@lru_cache(maxsize=4_096)
def _remembered(message: str) -> Instruction | None:
    return _found(message)


def _found(message: str) -> Instruction | None:
    folded = " ".join(latin(fold(cut(message, MAX_MESSAGE_CHARACTERS))).split())
    if any(negation in folded for negation in _NEGATIONS):
        folded = _NOT_ASKED.sub(" ", folded)
    offers = [*_requests(folded), *_run_together(folded), *_to_a_number(folded)]
    offers += (_Offer(*each) for each in offers_in_other_scripts(folded))
    offers += _explained_words(folded, message, is_beside_offer=any(offer.leads == "out" for offer in offers))
    if not offers:
        return None
    words = dict.fromkeys(word for word in _words(offers, "out") if word and word not in _STAY_WORDS)
    kept = tuple(words)[:MAX_WORDS]
    for_everything = {word for offer in offers if offer.is_for_everything for word in offer.words}
    stay_words = tuple(dict.fromkeys(_words(offers, "in")))
    first, last = min(offer.start for offer in offers), max(offer.end for offer in offers)
    return Instruction(
        kept,
        bool(stay_words),
        " ".join(folded[first : last + _CHARACTERS_AFTER].split())[:MAX_TEXT_CHARACTERS],
        stay_words=stay_words[:MAX_WORDS],
        for_everything=tuple(word for word in kept if word in for_everything),
        sent_to=_sent_to(offers, kept),
    )


def _sent_to(offers: Sequence[_Offer], kept: Sequence[str]) -> tuple[tuple[str, str], ...]:
    pairs = ((word, offer.number) for offer in offers if offer.leads == "out" for word in offer.words if word in kept)
    return tuple(dict.fromkeys(pairs))


def _requests(folded: str) -> Iterator[_Offer]:
    """Yield "reply STOP to opt out", "text YES or Y to join"."""
    for found in _ASKED.finditer(folded):
        leads = _leads(words_of(found[1]), _WHAT_FOR.match(folded, found.end()))
        if leads is not None:
            words = [words_of(word) for word in found.groups() if word]
            sent_to = _SENT_TO.match(folded, found.end())
            number = digits_of(sent_to[1] if sent_to else None)
            yield _Offer(words, leads, _is_for_everything(folded, found.end()), found.start(), found.end(), number)


def _run_together(folded: str) -> Iterator[_Offer]:
    """Yield "stop2end"."""
    return (_out(found, folded) for found in _RUN_TOGETHER.finditer(folded))


def _to_a_number(folded: str) -> Iterator[_Offer]:
    """Yield "STOP au 36180"."""
    return (_out(found, folded)._replace(number=found["number"]) for found in _TO_A_NUMBER.finditer(folded))


def _explained_words(folded: str, message: str, *, is_beside_offer: bool) -> Iterator[_Offer]:
    """Yield "QUIT=stop"."""
    for found in _words_with_aims(folded):
        if words_of(found[1]) in _LEAVE_WORDS or (is_beside_offer and _is_written_large(found[1], message)):
            is_beside_offer = True
            yield _out(found, folded)


def _words_with_aims(folded: str) -> Iterator["re.Match[str]"]:
    """Yield the matches of `_EQUALS`, which begins with any word: tried at each, it would take half of all the time."""
    at = end = 0
    while aim := _AIM.search(folded, at):
        at = aim.start() + 1
        first = _EQUALS.search(folded, max(end, aim.start() - _WORD_CHARACTERS), aim.end())
        found = first and _EQUALS.match(folded, first.start())  # the word may be longer, with an aim after it
        if found is not None:
            at = end = found.end()
            yield found


def _out(found: "re.Match[str]", folded: str) -> _Offer:
    return _Offer([words_of(found[1])], "out", _is_for_everything(folded, found.end(1)), found.start(), found.end())


def _words(offers: Sequence[_Offer], leads: Literal["out", "in"]) -> Iterator[str]:
    return (word for offer in offers if offer.leads == leads for word in offer.words)


def _is_for_everything(folded: str, start: int) -> bool:
    """Say whether the words after an asked one, up to the next one, are about all that the sender sends."""
    aim = _NEXT_OFFER.split(folded[start : start + _AIM_CHARACTERS], maxsplit=1)[0]
    return offers_everything(words_of(aim))


def _is_written_large(word: str, message: str) -> bool:
    """Say whether a message that offers a way out has this word in capitals too, as it writes its keywords."""
    return word.upper() != word and re.search(rf"(?<!\w){re.escape(word.upper())}(?!\w)", message) is not None


def _leads(word: str, aim: "re.Match[str] | None") -> Literal["out", "in"] | None:
    """Say where the word that is asked for leads, by itself or by the `aim` after it; None where nothing says it."""
    if word in _LEAVE_WORDS:
        return "out"
    if aim is None or word in _HELP_WORDS:
        return None
    if len(word) == 1 and (word in _LETTERS_ALONE or aim["by"] not in _IN_ORDER_TO):
        return None
    return "out" if aim["leave"] else "in"
