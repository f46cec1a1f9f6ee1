"""A phone number: a link to its story."""

import re
from urllib.parse import quote

import htpy as h

_PHONE = re.compile(r"\+[0-9]{4,20}")
_GROUP = 3
_UNGROUPED = 4


def number_link(phone: str) -> h.Renderable:
    """Return the number as a link, in groups that can be read aloud."""
    return h.a(".number", href=number_path(phone))[grouped(phone)]


def is_number(text: str) -> bool:
    """Say whether a text out of an address is a phone number: nothing else is to be shown as one."""
    return _PHONE.fullmatch(text) is not None


def number_path(phone: str) -> str:
    """Return the address of a number's story."""
    return f"/numbers/{quote(phone, safe='+')}"


def grouped(phone: str) -> str:
    """Return +14155550100 as +1 415 555 0100: North American as people write it, others in groups of three."""
    if phone.startswith("+1") and len(phone) == 12:  # noqa: PLR2004 (+1 and ten digits)
        return f"+1 {phone[2:5]} {phone[5:8]} {phone[8:]}"
    if not phone.startswith("+") or len(phone) <= _UNGROUPED:
        return phone
    head, rest = phone[:_GROUP], phone[_GROUP:]
    return " ".join([head, *(rest[place : place + _GROUP] for place in range(0, len(rest), _GROUP))])
