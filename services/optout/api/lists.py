"""Contact lists of an account."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.optout.api.answers import ListPage, ShownList
from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import Name, PageLimit, RequestBody
from services.optout.api.known_list import require_list
from services.optout.api.list_counts import count_contacts
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime, Runtime
from shared.events.base import ListId, format_time
from shared.postgres import Connection, connection_from

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

LIST = "SELECT list_id, name, kind, created_at FROM contact_lists WHERE account_id = $1 AND list_id = $2"

router = APIRouter(route_class=GuardedRoute)

WithCounts = Annotated[bool, Query(description="With the number of contacts, which takes a second per million.")]


class NewList(RequestBody):
    name: Name


@router.post("/v1/lists", status_code=201, response_model=ShownList, response_model_exclude_unset=True)
async def create_list(new: NewList, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    row = await database.fetchrow(ADD_LIST, account_id, new.name)
    if row is None:
        message = f"name: there is a list named {new.name!r}; GET /v1/lists shows it, or choose another name"
        raise ApiError(409, "list_exists", message, "name")
    return _shown(row)


@router.get("/v1/lists", response_model=ListPage, response_model_exclude_unset=True)
async def read_lists(
    account_id: CallerAccountId,
    runtime: ApiRuntime,
    counts: WithCounts = False,  # noqa: FBT002 (a parameter of the address)
    after: After = None,
    limit: PageLimit = 100,
) -> dict[str, Any]:
    (list_id,) = keys_after(after, 0)
    async with _connected(runtime, account_id, is_counting=counts) as database:
        rows, shown = await fetch_page(database, LISTS, account_id, list_id, limit=limit)
        found = page("lists", rows, shown, _shown, "list_id")
        return {**found, "lists": await _counted(database, account_id, found["lists"])} if counts else found


@router.get("/v1/lists/{list_id}", response_model=ShownList, response_model_exclude_unset=True)
async def read_list(
    list_id: ListId,
    account_id: CallerAccountId,
    runtime: ApiRuntime,
    counts: WithCounts = False,  # noqa: FBT002 (a parameter of the address)
) -> dict[str, Any]:
    async with _connected(runtime, account_id, is_counting=counts) as database:
        await require_list(database, account_id, list_id)
        shown = [_shown(await database.fetchrow(LIST, account_id, list_id))]
        (found,) = await _counted(database, account_id, shown) if counts else shown
        return found


@asynccontextmanager
async def _connected(runtime: Runtime, account_id: str, *, is_counting: bool) -> AsyncIterator[Connection]:
    """Connect; one request of an account counts at a time, and none has a connection while it waits for that."""
    async with AsyncExitStack() as stack:
        if is_counting:
            await stack.enter_async_context(runtime.list_members.alone(account_id))
        yield await stack.enter_async_context(connection_from(runtime.pool, ACQUIRE_SECONDS))


async def _counted(database: Connection, account_id: str, lists: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    counts = await count_contacts(database, account_id, [each["list_id"] for each in lists])
    return [{**each, "counts": counts[each["list_id"]]} for each in lists]


def _shown(row: Any) -> dict[str, Any]:
    created_at = format_time(row["created_at"])
    return {"list_id": row["list_id"], "name": row["name"], "kind": row["kind"], "created_at": created_at}
