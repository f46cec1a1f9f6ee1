"""Parts of a reply that its writer did not write: contact cards, quoted lines of a mail, marks that were dictated."""

import re

DICTATED = (" exclamation point", " exclamation mark", " question mark", " full stop", " comma", " period")
_CARD, _END_OF_CARD = "begin:vcard", "end:vcard"
_WROTE = re.compile(r"\s*on .{5,120} wrote:\s*", re.IGNORECASE)


def own_lines(text: str) -> str:
    """Return a text without contact cards and quoted lines; all of a text that is nothing but quoted lines."""
    if "\n" not in text and "\r" not in text:
        return text
    text = _without_cards(text)
    lines = text.splitlines()
    own = [line for line in lines if not line.lstrip().startswith(">") and not _WROTE.fullmatch(line)]
    return "\n".join(own) if len(own) < len(lines) and any(map(str.strip, own)) else text


def _without_cards(text: str) -> str:
    lower, kept, at = text.lower(), list[str](), 0
    if len(lower) != len(text):
        return text
    while (start := lower.find(_CARD, at)) >= 0:
        end = lower.find(_END_OF_CARD, start)
        kept.append(text[at:start])
        at = end + len(_END_OF_CARD) if end >= 0 else len(text)
    return "".join((*kept, text[at:]))


def without_dictated(words: str) -> str:
    """Return the words without marks at their end that were spoken: "stop exclamation point"."""
    for _ in DICTATED:
        words = next((words.removesuffix(mark) for mark in DICTATED if words.endswith(mark)), words)
    return words
