"""Text as rules see it: one case, one Unicode form, words with single spaces between them."""

import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\x00]")
_NO_WORD = re.compile(r"[^\w]+|_+")


def normalise(text: str) -> str:
    """Return `text` in compatibility form and folded case, invisible characters dropped, punctuation a space."""
    visible = _INVISIBLE.sub("", text)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return _NO_WORD.sub(" ", _INVISIBLE.sub("", folded)).strip()
