"""The part of a message that may say how to opt out, cut out by whoever sends it."""

import re

MAX_CHARACTERS = 160
_BEFORE_CHARACTERS = 40
_OPT_OUT_WORDS = re.compile(
    r"(?i)stop|opt.?out|unsub|reply|txt|text |arr[eê]t|baja|sair|cancel|respond|abmeld|quit|\bend\b"
)


def instruction_of(body: str) -> str | None:
    """Return at most 160 characters of `body` around the first word that instructions have; None without one."""
    found = _OPT_OUT_WORDS.search(body)
    if found is None:
        return None
    if len(body) <= MAX_CHARACTERS:
        return body
    return body[max(found.start() - _BEFORE_CHARACTERS, 0) :][:MAX_CHARACTERS]
