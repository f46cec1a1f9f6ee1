"""Slips of thumbs and phones: how far a spelling is from a word, and whether a thumb explains the difference."""

import re

from rapidfuzz.distance import OSA

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_OTHER_KEYBOARDS = {"a": "qz", "q": "a", "z": "ay", "w": "z", "y": "z", "m": "l"}  # AZERTY, QWERTZ
_TRIPLED = re.compile(r"(.)\1{2,}")
_DIGITS_FOR_LETTERS = str.maketrans("013457", "oieast")
_SHORT = 4
_MIXED = re.compile(r"(?=.*[a-z])(?=.*[0-9])")


def _neighbours() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {letter: set() for row in _ROWS for letter in row}
    for y, row in enumerate(_ROWS):
        for x, letter in enumerate(row):
            for near_y in (y - 1, y, y + 1):
                for near_x in (x - 1, x, x + 1):
                    if 0 <= near_y < len(_ROWS) and 0 <= near_x < len(_ROWS[near_y]):
                        found[letter].add(_ROWS[near_y][near_x])
    for letter, others in _OTHER_KEYBOARDS.items():
        found[letter].update(others)
    return {letter: frozenset(near - {letter}) for letter, near in found.items()}


NEIGHBOURS = _neighbours()


def shortened(word: str) -> str:
    """Return `word` with a letter that was held down once only: `stooop` is `stop`."""
    return word if len(word) < len(set(word)) + 2 else _TRIPLED.sub(r"\1", word)


def with_letters(word: str) -> str:
    """Return `word` with the letters that its digits look like, where it has both."""
    return word.translate(_DIGITS_FOR_LETTERS) if _MIXED.match(word) else word


def slips(written: str, meant: str, limit: int) -> int:
    """Return how many letters were added, left out, changed or swapped; more than `limit` is `limit` + 1."""
    if abs(len(written) - len(meant)) > limit:
        return limit + 1
    return OSA.distance(written, meant, score_cutoff=limit)


def is_thumbs_slip(written: str, meant: str) -> bool:
    """Say whether a single slip is one that thumbs make: a key beside the right one, a letter twice, two swapped."""
    if len(written) == len(meant):
        differing = [n for n, (a, b) in enumerate(zip(written, meant, strict=True)) if a != b]
        if len(differing) == 1:
            n = differing[0]
            return written[n] in NEIGHBOURS.get(meant[n], ())
        return len(differing) == 2 and written[differing[0]] == meant[differing[1]]  # swapped
    longer, shorter = (written, meant) if len(written) > len(meant) else (meant, written)
    for n in range(len(longer)):
        if longer[:n] + longer[n + 1 :] == shorter:
            if longer is meant:
                return n > 0 or len(meant) > _SHORT  # left out; without its first letter a short word is another one
            beside = longer[max(n - 1, 0) : n] + longer[n + 1 : n + 2]
            return any(longer[n] == letter or longer[n] in NEIGHBOURS.get(letter, ()) for letter in beside)
    return False
