"""The texts by which an account confirms opt-outs, from its column in `accounts`."""

import logging
from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from shared.events.suppression import PublishedConfirmation

log = logging.getLogger(__name__)

_confirmations: TypeAdapter[tuple[PublishedConfirmation, ...]] = TypeAdapter(tuple[PublishedConfirmation, ...])


@lru_cache(maxsize=1_024)
def stored_confirmations(text: str) -> tuple[PublishedConfirmation, ...]:
    """Return the confirmations; none where this version cannot read them: silence."""
    try:
        return _confirmations.validate_json(text)
    except ValidationError as error:
        log.error("an account's confirmations cannot be read: %s", error.errors(include_input=False)[0]["msg"])  # noqa: TRY400 (no bug)
        return ()


def confirmations_text(confirmations: tuple[PublishedConfirmation, ...]) -> str:
    """Return them as they are stored."""
    return _confirmations.dump_json(confirmations).decode()
