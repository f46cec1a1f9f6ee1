"""Phone numbers that callers write: canonical, by the account's country where they name none."""

from typing import Annotated

from fastapi import Depends, Query

from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from shared.phones import normalise_phone
from shared.phones.canonical import is_valid
from shared.phones.readings import national_reading
from shared.phones.writing import read_digits
from shared.postgres import Connection

SPELLINGS = """
SELECT $2::text UNION ALL SELECT written FROM phone_spellings WHERE account_id = $1 AND canonical = $2
"""
"""The spellings under which the record has entries of phone $2: from before numbers were made canonical."""


async def country_of(database: Connection, account_id: str) -> str | None:
    """Return the account's country."""
    country: str | None = await database.fetchval("SELECT country FROM accounts WHERE account_id = $1", account_id)
    return country


async def _phone_filter(
    account_id: CallerAccountId, database: Database, phone: Annotated[str | None, Query()] = None
) -> str | None:
    return None if phone is None else await asked_phone(database, account_id, phone)


PhoneFilter = Annotated[str | None, Depends(_phone_filter)]


async def asked_phone(database: Connection, account_id: str, text: str) -> str:
    """Return a phone out of the address; a plus sign that was not written as %2B, and became a space, is forgiven.

    Raises:
        ApiError: it is not a phone number.
    """
    try:
        written = read_digits(text)
        if (
            not written.is_international
            and not text.startswith(" ")
            and (country := await country_of(database, account_id))
        ):
            national = national_reading(written.digits, country)
            if national is not None and is_valid(national):
                return national
        return normalise_phone(text)
    except ValueError as error:
        raise ApiError(422, "invalid", f"phone: {error}", "phone") from None
