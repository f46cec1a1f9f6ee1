"""What the answered message says to reply in order to leave, or in order to stay."""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

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
_NAMED = tomllib.loads(files(__package__).joinpath("data", "instruction.toml").read_text("utf-8"))
_LEAVE_WORDS = frozenset(_NAMED["leave"].split())
_STAY_WORDS = frozenset(_NAMED["stay"].split())


@dataclass(frozen=True, slots=True)
class Instruction:
    """`words` are normalised, in their order, none where the message names none; `text` is where they were found."""

    words: tuple[str, ...]
    is_opt_in_question: bool
    text: str


@lru_cache(maxsize=4_096)
def find_instruction(message: str) -> Instruction | None:
    """Return the way out, or in, that `message` offers; None where it offers neither."""
    folded = " ".join(latin(fold(cut(message, MAX_MESSAGE_CHARACTERS))).split())
    words: list[str] = []
    opt_in = False
    first, last = len(folded), 0
    for found in _ASKED.finditer(folded):
        kind = _kind(found, folded)
        if kind is not None:
            first, last = min(first, found.start()), max(last, found.end())
            opt_in |= kind == "stay"
            words += [words_of(word) for word in found.groups() if word and kind == "leave"]
    for found in (*_RUN_TOGETHER.finditer(folded), *_EQUALS.finditer(folded)):
        word = words_of(found[1])
        if word in _LEAVE_WORDS or found.re is _RUN_TOGETHER:
            first, last = min(first, found.start()), max(last, found.end())
            words.append(word)
    if not words and not opt_in:
        return None
    kept = tuple(dict.fromkeys(word for word in words if word and word not in _STAY_WORDS))[:MAX_WORDS]
    return Instruction(kept, opt_in, " ".join(folded[first : last + 60].split())[:MAX_TEXT_CHARACTERS])


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
