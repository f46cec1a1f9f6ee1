"""The number that a text says a word is to be sent to, in folded text."""

_NEXT_GROUP = r"(?:(?:\) ?|[ .-]\(?|\()\d{2,15})"
NUMBER = rf"\+?\(?(?:\d{{3,15}}{_NEXT_GROUP}{{0,6}}|\d{{1,2}}{_NEXT_GROUP}{{1,6}})(?!\d)"
"""Groups of digits, as numbers are written; after a point and a space, or with one digit, something else begins."""
_NOUN = r"(?:short ?code|code|toll.?free|phone|number|num|numero|nummer|numer|no|nr|tel)"
_ARTICLE = r"(?:our|the|this|my|le|el|il|la|die|den|dem|het|o)"
_SAID = rf"(?:\s?us (?:at|on)\b|\s?(?:die|el|le|o)\b|(?:\s?{_ARTICLE}\b)?(?:\s?{_NOUN}\b){{1,2}})"
SAID_OF_NUMBER = rf"{_SAID}?[.:]?\s?[\"'#*\u201c\u00ab]{{0,2}}"
"""What may be between "to" and the number: "our short code", "the number:", "#"."""


def digits_of(number: str | None) -> str:
    """Return the digits of a number that was found; none where none was."""
    return "" if number is None else "".join(filter(str.isdigit, number))
