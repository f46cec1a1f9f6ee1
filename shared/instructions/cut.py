"""The part of a message that may say how to opt out, cut out by whoever sends it."""

import re

from shared.instructions.find import Instruction, find_instruction

MAX_CHARACTERS = 160
_BEFORE_CHARACTERS = 40
_BETWEEN = " \u2026 "
_OPT_OUT_WORDS = re.compile(
    r"(?i)stop|opt.?out|unsub|reply|txt|text |arr[eê]t|baja|sair|cancel|respond|abmeld|quit|\bend\b"
    r"|ответ|отправ|стоп|отпис|回复|回覆|回復|回td|退订|退訂|拒收|返信|停止|解除|退会"
)


def instruction_of(body: str) -> str | None:
    """Return up to 160 characters of `body` around the first word that instructions have; None without one.

    Where a longer one names a way out at its end only, that is its last 160 characters; with both, where the first ones
    offer something else, such as to join.
    """
    found = _OPT_OUT_WORDS.search(body)
    if found is None:
        return None
    if len(body) <= MAX_CHARACTERS:
        return body
    begin, text = max(found.start() - _BEFORE_CHARACTERS, 0), body.rstrip()
    first, last = body[begin : begin + MAX_CHARACTERS], text[-MAX_CHARACTERS:]
    if begin + MAX_CHARACTERS >= len(text):
        return first
    at_first, at_last = find_instruction(first), find_instruction(last)
    if not _words(at_last) or _words(at_last) <= _words(at_first):
        return first
    return last if at_first is None else f"{first}{_BETWEEN}{last}"


def _words(found: Instruction | None) -> frozenset[str]:
    return frozenset(found.words if found is not None else ())
