"""Contact lists of an account."""

from typing import Any

from fastapi import APIRouter

from services.optout.api.answers import ListPage, ShownList
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import Name, PageLimit, RequestBody
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.request_limits import GuardedRoute
from shared.events.base import format_time

# Adds a list; no row comes back where the account has one of that name.
ADD_LIST = """
INSERT INTO contact_lists (account_id, name) VALUES ($1, $2)
ON CONFLICT (account_id, name) WHERE deleted_at IS NULL DO NOTHING
RETURNING list_id, name, kind, created_at
"""

# The account's lists after a given id.
LISTS = """
SELECT list_id, name, kind, created_at FROM contact_lists
WHERE account_id = $1 AND list_id > $2 AND deleted_at IS NULL ORDER BY list_id LIMIT $3
"""

router = APIRouter(route_class=GuardedRoute)


class NewList(RequestBody):
    name: Name


@router.post("/v1/lists", status_code=201, response_model=ShownList)
async def create_list(new: NewList, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    row = await database.fetchrow(ADD_LIST, account_id, new.name)
    if row is None:
        message = f"name: there is a list named {new.name!r}; GET /v1/lists shows it, or choose another name"
        raise ApiError(409, "list_exists", message, "name")
    return _shown(row)


@router.get("/v1/lists", response_model=ListPage)
async def read_lists(
    account_id: CallerAccountId, database: Database, after: After = None, limit: PageLimit = 100
) -> dict[str, Any]:
    (list_id,) = keys_after(after, 0)
    rows, shown = await fetch_page(database, LISTS, account_id, list_id, limit=limit)
    return page("lists", rows, shown, _shown, "list_id")


def _shown(row: Any) -> dict[str, Any]:
    created_at = format_time(row["created_at"])
    return {"list_id": row["list_id"], "name": row["name"], "kind": row["kind"], "created_at": created_at}
