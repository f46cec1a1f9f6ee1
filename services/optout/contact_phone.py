"""The number of a contact as an account writes it: pure."""

from shared.phones import national_reading, normalise_phone, readings
from shared.phones.canonical import is_mobile, is_valid
from shared.phones.writing import MAX_TEXT_CHARACTERS, mask, read_digits

_LEAST_DIGITS = 8


def contact_phone(text: str, country: str | None) -> str:
    """Return the number of a contact: with a country code, or one of the account's country.

    Digits without a plus sign that are a mobile number in use, with the country code in front, count as international
    where the account's country has no such number.

    Raises:
        ValueError: it is not a phone number, or does not say of which country.
    """
    written = read_digits(text)
    if written.is_international:
        return normalise_phone(text)
    national = national_reading(written.digits, country) if country is not None else None
    if national is not None and is_valid(national):
        return national
    international = readings(written, None)[:1]
    if international and is_mobile(international[0]):
        return international[0]
    if national is not None and not international:
        return national
    raise ValueError(
        f"{mask(text[:MAX_TEXT_CHARACTERS])!r} does not say its country; write it with a plus sign and country code,"
        " such as +14155550100, or have the operator set the account's country"
    )


def whole_phone(text: str, country: str | None) -> str | None:
    """Return the number that a search is for; None where the text is a part of a number, or none."""
    try:
        phone = contact_phone(text, country)
    except ValueError:
        return None
    return phone if len(phone) > _LEAST_DIGITS else None
