"""The instruction of the answered message: what to reply in order to leave, or in order to stay."""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from services.optout.rules.everything import offers_everything
from services.optout.rules.normalise import cut, fold, latin, words_of

MAX_MESSAGE_CHARACTERS = 4_000
"""Of a longer message only the beginning and the end are read; the longest SMS has 1,600."""
MAX_TEXT_CHARACTERS = 160
MAX_WORDS = 6

_SAY = (
    r"(?:reply|rply|rpl|respond|answer|text|txt|send|sms|type|return|msg|message"
    r"|responda|responde|contesta|conteste|envia|envie|escribe|manda|texto"
    r"|repondez|repond|envoyez|envoyer|tapez|texter|sende|antworte|antworten|antworten sie|rispondi|invia"
    r"|antwoord|stuur|odpowiedz|wyslij|yanitla|gonder)"
)
_FILL = (
    r"(?:\s+(?:with|back|the word|word|a|by|mit|met|con|com|avec|la palabra|a palavra|le mot|sms|msg|us|only|just)\b)*"
)
_WORD = r"[\"'\u201c\u00ab\u2018(]{0,3}\s?([^\W_][\w-]{1,24}(?:[ ](?:all|out)\b)?)\s?[\"'\u201d\u00bb\u2019)]{0,3}"
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
_TO = (
    r"(?:\s*(?:to \+?\d[\d -]{2,15}|au \d+|al \d+|an \d+|@ ?\d+))?"
    r"\s*(?:to|2|4|for|if|and|para|pour|per|um|om|a|zum|=|-|:|,)?\s*"
)
_ASKED = re.compile(
    rf"\b{_SAY}\b{_FILL}\s*:?\s*{_WORD}(?:\s*(?:or|/|,|ou|o|oder|of)\s*{_WORD})?(?:\s*(?:or|/|,|ou|o|oder|of)\s*{_WORD})?"
)
_WHAT_FOR = re.compile(rf"{_TO}(?:\w+\s+){{0,4}}?(?:({_LEAVE})|({_STAY}))\b")
_RUN_TOGETHER = re.compile(
    r"\b((?:stop|end|quit|txt|text|cancel|stp)(?: ?-?[24] ?-?|to)"
    r"(?:stop|end|quit|cancel|optout|opt\W?out|unsub\w*|out|leave|exit))\b"
)
_EQUALS = re.compile(rf"{_WORD}\s*(?:=|to|2|for|->)\s*({_LEAVE})\b")
_NEXT_OFFER = re.compile(r"[.!?;,]|\b(?:or|ou|oder|of|o)\s+[^\W_]+\s+(?:to|2|for|para|pour|um|om)\b")
_AIM_CHARACTERS = 80
_NAMED = tomllib.loads(files(__package__).joinpath("data", "instruction.toml").read_text("utf-8"))
_LEAVE_WORDS = frozenset(_NAMED["leave"].split())
_STAY_WORDS = frozenset(_NAMED["stay"].split())


@dataclass(frozen=True, slots=True)
class Instruction:
    """An offer of a message.

    `words` lead out, `stay_words` in: normalised, in their order, none where the message names none. `for_everything`
    are those of `words` that lead out of all that the sender sends. `text` is where they were found.
    """

    words: tuple[str, ...]
    is_opt_in_question: bool
    text: str
    stay_words: tuple[str, ...] = ()
    for_everything: tuple[str, ...] = ()


@lru_cache(maxsize=4_096)
def find_instruction(message: str) -> Instruction | None:
    """Return the way out, or in, that `message` offers; None where it offers neither."""
    folded = " ".join(latin(fold(cut(message, MAX_MESSAGE_CHARACTERS))).split())
    words: list[str] = []
    stay: list[str] = []
    everything: list[str] = []
    first, last = len(folded), 0
    for found in _ASKED.finditer(folded):
        kind = _kind(found, folded)
        if kind is not None:
            first, last = min(first, found.start()), max(last, found.end())
            named = [words_of(word) for word in found.groups() if word]
            (stay if kind == "stay" else words).extend(named)
            everything += named if _is_for_everything(folded, found.end()) else ()
    for found in (*_RUN_TOGETHER.finditer(folded), *_EQUALS.finditer(folded)):
        word = words_of(found[1])
        if word in _LEAVE_WORDS or found.re is _RUN_TOGETHER or (words and _is_written_large(found[1], message)):
            first, last = min(first, found.start()), max(last, found.end())
            words.append(word)
            everything += [word] if _is_for_everything(folded, found.end(1)) else ()
    if not words and not stay:
        return None
    kept = tuple(dict.fromkeys(word for word in words if word and word not in _STAY_WORDS))[:MAX_WORDS]
    text = " ".join(folded[first : last + 60].split())[:MAX_TEXT_CHARACTERS]
    return Instruction(
        kept,
        bool(stay),
        text,
        stay_words=tuple(dict.fromkeys(stay))[:MAX_WORDS],
        for_everything=tuple(word for word in kept if word in everything),
    )


def _is_for_everything(folded: str, start: int) -> bool:
    """Say whether the words after an asked one, up to the next one, are about all that the sender sends."""
    aim = _NEXT_OFFER.split(folded[start : start + _AIM_CHARACTERS], maxsplit=1)[0]
    return offers_everything(words_of(aim))


def _is_written_large(word: str, message: str) -> bool:
    """Say whether a message that offers a way out has this word in capitals too, as it writes its keywords."""
    return word.upper() != word and re.search(rf"(?<!\w){re.escape(word.upper())}(?!\w)", message) is not None


def _kind(found: "re.Match[str]", folded: str) -> str | None:
    """Say whether the word that is asked for leads out (`leave`) or in (`stay`)."""
    word = words_of(found[1])
    if word in _STAY_WORDS:
        aim = _WHAT_FOR.match(folded, found.end())
        return None if word in ("help", "info") or aim is None else "leave" if aim[1] else "stay"
    if word in _LEAVE_WORDS:
        return "leave"
    aim = _WHAT_FOR.match(folded, found.end())
    if aim is None:
        return None
    return "leave" if aim[1] else "stay"
