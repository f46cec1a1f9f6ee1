"""Lists: `/v3/lists`. A list that is deleted is kept with its contacts; nobody sees it, or is messaged by it."""

from collections.abc import Sequence
from typing import Any

import asyncpg
from fastapi import APIRouter

from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.context import CallerAccountId
from services.optout.api.errors import ApiError
from services.optout.api.known_list import KnownList, require_list
from services.optout.api.lists import ADD_LIST
from services.optout.api.runtime import ApiRuntime, Runtime
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.list_models import ContactList, GivenList
from services.optout.api.v3.models import PathId
from services.optout.api.v3.paging import AskedPage, LinkedPage
from services.optout.api.v3.route import V3Route
from shared.postgres import connection_from

COUNT = "SELECT count(*) FROM contact_lists WHERE account_id = $1 AND deleted_at IS NULL"
PAGE = """
SELECT list_id, name, kind FROM contact_lists
WHERE account_id = $1 AND deleted_at IS NULL ORDER BY list_id OFFSET $2 LIMIT $3
"""
# The lists on which somebody works, and the kinds of work.
JOBS = """
SELECT DISTINCT list_id, kind FROM jobs WHERE list_id = ANY($1::bigint[]) AND state IN ('waiting', 'running')
"""
RENAME = """
UPDATE contact_lists SET name = $3 WHERE account_id = $1 AND list_id = $2 AND deleted_at IS NULL AND NOT EXISTS (
    SELECT FROM contact_lists WHERE account_id = $1 AND name = $3 AND deleted_at IS NULL AND list_id <> $2)
RETURNING list_id
"""
DELETE = "UPDATE contact_lists SET deleted_at = now() WHERE account_id = $1 AND list_id = $2 AND deleted_at IS NULL"

_PATH = "/v3/lists"
_ONE = f"{_PATH}/{{list_id}}"
_IMPORTS = frozenset(("contact_import", "opt_out_import"))

router = APIRouter(route_class=V3Route)


@router.get(_PATH)
async def read_lists(
    account_id: CallerAccountId, runtime: ApiRuntime, asked: AskedPage
) -> Envelope[LinkedPage[ContactList]]:
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        rows = await connection.fetch(PAGE, account_id, asked.offset, asked.limit)
        total = await connection.fetchval(COUNT, account_id)
    found = [KnownList(account_id, row["list_id"], row["name"], row["kind"]) for row in rows]
    return success("Here are your lists.", asked.linked(await _shown(runtime, found), total))


@router.post(_PATH)
async def create_list(given: GivenList, account_id: CallerAccountId, runtime: ApiRuntime) -> Envelope[ContactList]:
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        row = await connection.fetchrow(ADD_LIST, account_id, given.list_name)
    if row is None:
        raise _taken(given.list_name)
    made = KnownList(account_id, row["list_id"], row["name"], row["kind"])
    return success("The list has been created.", (await _shown(runtime, [made]))[0])


@router.get(_ONE)
async def read_list(list_id: PathId, account_id: CallerAccountId, runtime: ApiRuntime) -> Envelope[ContactList]:
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        found = await require_list(connection, account_id, list_id)
    return success("Here is your list.", (await _shown(runtime, [found]))[0])


@router.put(_ONE)
async def rename_list(
    list_id: PathId, given: GivenList, account_id: CallerAccountId, runtime: ApiRuntime
) -> Envelope[ContactList]:
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        found = _changeable(await require_list(connection, account_id, list_id))
        try:
            renamed = await connection.fetchval(RENAME, account_id, list_id, given.list_name)
        except asyncpg.UniqueViolationError:  # by another request at the same time
            renamed = None
        if renamed is None:
            raise _taken(given.list_name)
    return success("The list has been renamed.", (await _shown(runtime, [found._replace(name=given.list_name)]))[0])


@router.delete(_ONE)
async def delete_list(list_id: PathId, account_id: CallerAccountId, runtime: ApiRuntime) -> Envelope[list[str]]:
    """Delete a list; who opted out of it stays on the opt-out list. An import into it that is running fails."""
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        _changeable(await require_list(connection, account_id, list_id))
        await connection.execute(DELETE, account_id, list_id)
    return success("The list has been deleted.", list[str]())


def _changeable(found: KnownList) -> KnownList:
    if found.kind != "contacts":
        message = f"list_id: every account has its {found.name}; it is neither renamed nor deleted"
        raise ApiError(400, "special_list", message, "list_id")
    return found


def _taken(name: str) -> ApiError:
    message = f"list_name: there is a list named {name!r}; GET /v3/lists shows it, or choose another name"
    return ApiError(400, "list_exists", message, "list_name")


async def _shown(runtime: Runtime, lists: Sequence[KnownList]) -> list[ContactList]:
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        rows = await connection.fetch(JOBS, [each.list_id for each in lists])
    work = {(row["list_id"], row["kind"] in _IMPORTS) for row in rows}
    counts = await runtime.list_members.counts(lists)
    return [_with_count(each, count, work) for each, count in zip(lists, counts, strict=True)]


def _with_count(found: KnownList, count: int, work: set[tuple[Any, bool]]) -> ContactList:
    return ContactList(
        list_id=found.list_id,
        list_name=found.name,
        contacts_count=count,
        import_in_progress=int((found.list_id, True) in work),
        optout_in_progress=int((found.list_id, False) in work),
    )
