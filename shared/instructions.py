"""The part of a message that may tell its reader how to leave, cut out by whoever sends it."""

import re

MAX_CHARACTERS = 160
_BEFORE_CHARACTERS = 40
_TELLING = re.compile(r"(?i)stop|opt.?out|unsub|reply|txt|text |arr[eê]t|baja|sair|cancel|respond|abmeld|quit|\bend\b")


def instruction_of(body: str) -> str | None:
    """Return at most 160 characters of `body` around the first word that instructions have; None without one."""
    found = _TELLING.search(body)
    if found is None:
        return None
    if len(body) <= MAX_CHARACTERS:
        return body
    return body[max(found.start() - _BEFORE_CHARACTERS, 0) :][:MAX_CHARACTERS]
