"""Additions of phones to a text: reactions that quote another message, signatures, names of effects.

All on folded text: one case, no accents. The words are those that iOS and Google Messages write in each language.
"""

import re
from collections.abc import Sequence

_OPEN = "[\"'\u201c\u201d\u201e\u00ab\u2018\u2039\u300c]"
_CLOSE = "[\"'\u201c\u201d\u00bb\u2019\u203a\u300d]"
_VERBS = (
    # English
    "liked", "loved", "disliked", "laughed at", "emphasized", "emphasised", "questioned", "reacted .{1,12} to",
    "removed an? [a-z ]{3,20} from", "removed .{1,12} from",
    # Spanish, Portuguese
    "le gusto", "te gusto", "le encanto", "no le gusto", "se rio de", "se rio con", "exclamo por", "pregunto por",
    "reacciono con .{1,12} a", "gostou de", "curtiu", "amou", "adorou", "nao gostou de", "riu de", "enfatizou",
    "questionou", "reagiu com .{1,12} a",
    # French, Italian
    "a aime", "a adore", "n'a pas aime", "a ri de", "a ri a", "a insiste sur", "a mis en evidence", "a souligne",
    "s'interroge sur", "a reagi (?:avec|par) .{1,12} a", "ha apprezzato", "ha adorato", "ha messo mi piace a", "piace",
    "non piace", "ha riso a", "ha enfatizzato", "ha dato importanza a", "ha reagito con .{1,12} a",
    # German, Dutch
    "gefallt", "liebt", "gefallt nicht", "lacht uber", "betont", "fragt sich", "hat .{1,12} auf", "vond", "vind",
)  # fmt: skip
_REACTION = re.compile(
    rf"\s*(?:\w[\w .'-]{{0,30}}:?\s+)??(?:{'|'.join(_VERBS)})\s*:?\s*{_OPEN}.*{_CLOSE}[\s.]*"
    rf"|\s*[^\w\s]{{1,8}}\s*(?:to|a|zu|op|auf|su|para)\s*{_OPEN}.*{_CLOSE}[\s.]*"
    rf"|\s*{_OPEN}.*{_CLOSE}\s+gefallt .{{1,30}}"
    rf"|\s*(?:hat|heeft|ha)\s+(?:[^\"\u201c\u201d\u201e]{{1,30}}\s)?{_OPEN}.*{_CLOSE}\s*\S.{{0,40}}",
    re.DOTALL,
)
_REACTED_TO_SOMETHING = re.compile(
    r"\s*(?:liked|loved|disliked|laughed at|emphasized|questioned|reacted [^\w\s]{1,8} to) an? "
    r"(?:image|photo|video|movie|attachment|link|message)\s*"
)

_SIGNATURE = re.compile(
    r"(?:^|[\n\r]\s{0,9}|\s{2,9}|(?<=[.!?])\s{0,9}|\s-{1,9}\s{0,9})"
    r"(?:sent from (?:my|the|yahoo|mail|outlook|aol|samsung)\b|sent via\b|sent by my\b|get outlook for\b|"
    r"(?:envoye|enviado|inviato|gesendet|verzonden|verstuurd|sendt|skickat)\b.{0,20}?"
    r"\b(?:mon|mi|meu|mio|meinem|mijn|min|iphone|android|samsung|outlook|mail)\b|von meinem\b.{0,30}\bgesendet\b).*\Z"
    r"|[\n\r]\s{0,9}(?:--{1,40}|__{1,40}|\u2014)\s{0,9}[\n\r].*\Z"
    r"|[\n\r]\s{0,9}(?:--{1,9}|\u2014|~)\s?[a-z][\w .']{0,30}\Z",
    re.DOTALL,
)
"""Every repetition has a limit: without, a reply of thousands of line breaks takes the square of its length."""
_HINT = re.compile('[\n\r"\u201c\u201d\u201e\u00ab\u2018\u2039\u300c(\\[]')
_HINT_WORDS = frozenset(
    (
        *("sent", "outlook", "envoye", "enviado", "inviato", "gesendet", "verzonden", "verstuurd", "sendt", "skickat"),
        *("liked", "loved", "disliked", "laughed", "emphasized", "questioned", "reacted"),
    )
)
_EFFECT = re.compile(r"[\(\[]\s*(?:sent|enviado|envoye|gesendet|inviato) (?:with|con|avec|com|mit) [\w ]{1,40}[\)\]]")


def may_have_additions(folded: str, words: Sequence[str]) -> bool:
    """Say whether the rest is worth the time: without a quotation, a second line or a signal word there is nothing."""
    if folded.isascii():
        has_hint = '"' in folded or "\n" in folded or "(" in folded or "[" in folded or "\r" in folded
    else:
        has_hint = _HINT.search(folded) is not None
    return has_hint or not _HINT_WORDS.isdisjoint(words) or ("'" in folded and (folded[0] == "'" or " '" in folded))


def is_reaction(folded: str) -> bool:
    """Say whether a text is nothing but a reaction, such as `liked "reply stop to opt out"`."""
    return _REACTION.fullmatch(folded) is not None or _REACTED_TO_SOMETHING.fullmatch(folded) is not None


def without_signature(folded: str) -> str:
    """Return a text without what its phone has put after it."""
    if "(" in folded or "[" in folded:
        folded = _EFFECT.sub(" ", folded)
    without = _SIGNATURE.sub("", folded)
    return without if without.strip() else folded
