"""Personalisation: placeholders of a campaign's text, each replaced by a field of the contact.

ClickSend's names are understood in round and in curly brackets, in its spellings: `(First Name)`, `{FirstName}`,
`(Cust. 1)`, `{CustomString1}`. Curly brackets also take the name of any field of the contact, such as `{plan}`. A field
that the contact lacks is empty; brackets around anything else are text, and so is the place of an opt-out link,
`{{opt_out_link}}`, which the sender fills in.
"""

import re
from collections.abc import Mapping

from shared.events.base import storable

PHONE = "phone_number"
_FIELDS = (
    *("first_name", "last_name", PHONE, "email", "fax_number", "organization_name"),
    *("address_line_1", "address_line_2", "address_city", "address_state", "address_postal_code", "address_country"),
)
_BRACKETS = re.compile(r"\(([^(){}\n]{1,64})\)|\{([^(){}\n]{1,64})\}")
_OWN_FIELD = re.compile(r"(?!opt_out_link$)[a-z][a-z0-9_]{0,63}")
_SPELLING = re.compile(r"[\s._-]+")


def _names() -> dict[str, str]:
    names = {_compact(field): field for field in _FIELDS} | {"phone": PHONE}
    for number in range(1, 5):
        names |= {f"{name}{number}": f"custom_{number}" for name in ("custom", "cust", "customstring")}
    return names


def _compact(name: str) -> str:
    return _SPELLING.sub("", name).lower()


_NAMES = _names()


def personalised(text: str, phone: str, fields: Mapping[str, object], limit_characters: int) -> str:
    """Return `text` for a contact with this phone and these fields; what a field holds is not read for placeholders.

    A text that gets longer than the limit ends somewhere after it: it is not sent, and need not be kept.
    """

    def replaced(found: re.Match[str]) -> str:
        name = _NAMES.get(_compact(found[1] or found[2]))
        if name is None and found[2] and _OWN_FIELD.fullmatch(found[2]):
            name = found[2]
        if name is None:
            return found[0]
        return phone if name == PHONE else _written(fields.get(name))

    parts, size, end = list[str](), 0, 0
    for found in _BRACKETS.finditer(text):
        parts += text[end : found.start()], replaced(found)
        size += len(parts[-2]) + len(parts[-1])
        end = found.end()
        if size > limit_characters:
            return "".join(parts)
    return "".join((*parts, text[end:]))


def _written(value: object) -> str:
    match value:
        case str():
            return storable(value).strip()
        case bool() | None:
            return ""
        case int() | float():
            return str(value)
        case _:
            return ""
