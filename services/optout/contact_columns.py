"""The columns of a file of contacts, and its rows as contacts: pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii

COLUMNS = {
    "phone": "Phone number",
    "first_name": "First name",
    "last_name": "Last name",
    "custom_1": "Custom field 1",
    "custom_2": "Custom field 2",
    "custom_3": "Custom field 3",
    "custom_4": "Custom field 4",
    "fax_number": "Fax number",
    "organization_name": "Organization",
    "email": "E-mail address",
    "address_line_1": "Address line 1",
    "address_line_2": "Address line 2",
    "address_city": "City",
    "address_state": "State",
    "address_postal_code": "Postal code",
    "address_country": "Country",
}
"""Each column with its name for people; the names are also those of a contact's fields."""
MAX_VALUE_CHARACTERS = 1000
_ALSO = {"phone_number": "phone", **{f"custom{n}": f"custom_{n}" for n in range(1, 5)}}
_IGNORED = {"", "ignore", "skip", "none", "null"}
_ROUNDED = re.compile(r"\s*\d(?:[.,]\d+)?[eE]\+?\d+\s*")
_USUAL_NAMES = {
    **{label.lower().replace("-", " "): name for name, label in COLUMNS.items()},
    **dict.fromkeys(
        ("mobile", "mobile number", "mobile phone", "cell", "cell phone", "number", "msisdn", "tel", "telephone"),
        "phone",
    ),
    **dict.fromkeys(("firstname", "given name", "forename"), "first_name"),
    **dict.fromkeys(("lastname", "surname", "family name"), "last_name"),
    **dict.fromkeys(("email", "e mail", "email address", "mail"), "email"),
    **dict.fromkeys(("company", "organisation", "organisation name"), "organization_name"),
    **dict.fromkeys(("address", "street"), "address_line_1"),
    **dict.fromkeys(("zip", "zip code", "postcode"), "address_postal_code"),
    "fax": "fax_number",
}
"""What else the headers of files call the columns."""
_LOOKS_LIKE_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{5,24}")
_REACHED_BY = ("phone", "email", "fax_number")


class BadRowError(ValueError):
    """A row that is not as it should be; the text says why. With a `line`, the rest of it counts all the same."""

    def __init__(self, reason: str, line: str | None = None) -> None:
        super().__init__(reason)
        self.line = line


def columns_of(given: str | Sequence[str]) -> list[str | None]:
    """Return the column names of `field_order`; None for those that are left out.

    Raises:
        ValueError: a name is unknown or there twice, or nothing says whom to reach.
    """
    names = given.split(",") if isinstance(given, str) else given
    columns = [_column(name.strip().lower().replace(" ", "_").replace("-", "_")) for name in names]
    kept = [name for name in columns if name is not None]
    twice = {name for name in kept if kept.count(name) > 1}
    if twice:
        raise ValueError(f"{', '.join(sorted(twice))}: it is there twice")
    if not set(kept) & set(_REACHED_BY):
        raise ValueError("name the column of the phone number: `phone`")
    return columns


def guessed_columns(rows: Sequence[Sequence[str]]) -> list[str | None]:
    """Return what the columns of a file's first rows look like, each name at most once; None where that is not known.

    A header is read by its words. Without one, the first column of numbers in all rows is that of the phones.
    """
    names = [_named(cell) for cell in rows[0]] if rows else []
    if not any(names):
        phones = next((n for n in range(len(names)) if _has_phones(rows, n)), None)
        return ["phone" if n == phones else None for n in range(len(names))]
    return [name if names.index(name) == n else None for n, name in enumerate(names)]


def _has_phones(rows: Sequence[Sequence[str]], place: int) -> bool:
    return all(_LOOKS_LIKE_PHONE.fullmatch(_cell(row, place)) for row in rows)


def _cell(row: Sequence[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _named(cell: str) -> str | None:
    """Return the column that a cell of a header names."""
    words = re.sub(r"[^a-z0-9]+", " ", cell.lower()).strip()
    known = words.replace(" ", "_")
    return _USUAL_NAMES.get(words) or _ALSO.get(known) or (known if known in COLUMNS else None)


def _column(name: str) -> str | None:
    if name in _IGNORED:
        return None
    known = _ALSO.get(name, name)
    if known not in COLUMNS:
        raise ValueError(f"{name!r} is not a column; known are {', '.join(COLUMNS)}")
    return known


@dataclass(frozen=True)
class ContactReader:
    """The way from a row of a file to a line that Postgres copies.

    Args:
        columns: as `columns_of` returns them.
        phone_of: returns the canonical number of a text, or raises ValueError.
        prefix: what each line starts with, such as the list's id.
    """

    columns: Sequence[str | None]
    phone_of: Callable[[str], str]
    prefix: str = ""

    def line(self, row: Sequence[str]) -> str:
        """Return the line: phone and fields, in the text format of COPY.

        Raises:
            BadRowError: says why.
        """
        if len(row) < len(self.columns):
            raise BadRowError(f"it has {len(row)} columns instead of {len(self.columns)}")
        phone, fields, is_reachable = r"\N", [], False
        for name, value in zip(self.columns, row, strict=False):
            if name is None or not value or not (text := value.strip()):
                continue
            if name == "phone":
                phone, is_reachable = self.phone(text), True
                continue
            if len(text) > MAX_VALUE_CHARACTERS:
                raise BadRowError(f"{name} is longer than {MAX_VALUE_CHARACTERS} characters")
            is_reachable = is_reachable or name in _REACHED_BY
            fields.append(f'"{name}": {encode_basestring_ascii(text)}')
        if not is_reachable:
            raise BadRowError("it has neither a phone number nor an e-mail address or a fax number")
        made = "{" + ", ".join(fields) + "}"
        return f"{self.prefix}{phone}\t{made.replace(_BACKSLASH, _BACKSLASH * 2) if _BACKSLASH in made else made}\n"

    def phone(self, text: str) -> str:
        """Return the canonical number of a cell.

        Raises:
            BadRowError: it is not one.
        """
        if _ROUNDED.fullmatch(text):
            raise BadRowError(
                f"{text!r} is a number that a spreadsheet has rounded; format the column as text and export it again"
            )
        try:
            return self.phone_of(text)
        except ValueError as error:
            raise BadRowError(str(error)) from None


def is_header(row: Sequence[str], columns: Sequence[str | None]) -> bool:
    """Say whether the first row has names instead of a contact: no digit where the phone is, or the column's name."""
    place = next((n for n, name in enumerate(columns) if name in _REACHED_BY and n < len(row)), None)
    if place is None:
        return False
    text, name = row[place].strip(), columns[place]
    if name == "phone":
        return bool(text) and not any(each.isdigit() for each in text)
    return "@" not in text if name == "email" else not any(each.isdigit() for each in text)


_BACKSLASH = "\\"
