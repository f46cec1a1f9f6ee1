"""The hours of accounts' messages, as they are stored."""

import logging
from collections.abc import Sequence

from pydantic import ValidationError

from shared.fair_hours.sending_hours import OFF, SendingHours
from shared.postgres import Connection

log = logging.getLogger(__name__)

_LOAD = (
    "SELECT account_id, sending_hours FROM accounts WHERE account_id = ANY($1::text[]) AND sending_hours IS NOT NULL"
)
SET = "UPDATE accounts SET sending_hours = $2::jsonb WHERE account_id = $1"


async def load_sending_hours(connection: Connection, account_ids: Sequence[str]) -> dict[str, SendingHours]:
    """Return the hours of those accounts that have set any."""
    rows = await connection.fetch(_LOAD, account_ids)
    return {row["account_id"]: _read(row["account_id"], row["sending_hours"]) for row in rows}


def _read(account_id: str, stored: str) -> SendingHours:
    try:
        return SendingHours.model_validate_json(stored)
    except ValidationError:  # one account's must not end the worker of all
        log.exception("the sending hours of account %s cannot be read: all its messages keep the rules", account_id)
        return SendingHours(applies_to="all")


async def set_sending_hours(connection: Connection, account_id: str, hours: SendingHours) -> None:
    """Set an account's hours; they count for every message that is decided from then on."""
    await connection.execute(SET, account_id, None if hours == OFF else hours.model_dump_json())
