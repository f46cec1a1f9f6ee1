"""A list that a request names, checked to be the account's."""

from typing import NamedTuple

from services.optout.api.errors import ApiError
from shared.postgres import Connection

KNOWN_LIST = "SELECT name, kind FROM contact_lists WHERE account_id = $1 AND list_id = $2 AND deleted_at IS NULL"


class KnownList(NamedTuple):
    """A list of an account that is not deleted; `kind` is `contacts`, `default` or `opt_outs`."""

    account_id: str
    list_id: int
    name: str
    kind: str

    @property
    def is_opt_outs(self) -> bool:
        """Whether it is the opt-out list, whose entries are opt-outs."""
        return self.kind == "opt_outs"


async def require_list(database: Connection, account_id: str, list_id: int, field: str = "list_id") -> KnownList:
    """Return the list.

    Raises:
        ApiError: 404, it is not the account's: another account's list looks like none.
    """
    row = await database.fetchrow(KNOWN_LIST, account_id, list_id)
    if row is None:
        raise ApiError(404, "not_found", f"{field}: there is no list {list_id}; GET /v1/lists shows yours", field)
    return KnownList(account_id, list_id, row["name"], row["kind"])
