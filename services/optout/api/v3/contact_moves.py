"""Contacts copied or moved to another list. That lifts no opt-out: whoever has left the other list is not shown there.

The opt-out list takes a contact as an opt-out, and gives none away.
"""

from fastapi import APIRouter

from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.context import CallingUser
from services.optout.api.errors import ApiError
from services.optout.api.known_list import require_list
from services.optout.api.rights import ApiUser
from services.optout.api.runtime import ApiRuntime, Runtime
from services.optout.api.v3 import opt_out_list
from services.optout.api.v3.contacts import REMOVE, add, member, not_opt_outs
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.list_models import Contact
from services.optout.api.v3.models import PathId
from services.optout.api.v3.route import V3Route
from shared.postgres import connection_from

_CONTACT = "/v3/lists/{from_list_id}/contacts/{contact_id}"

router = APIRouter(route_class=V3Route)


@router.put(f"{_CONTACT}/copy/{{to_list_id}}")
async def copy_contact(
    from_list_id: PathId, contact_id: PathId, to_list_id: PathId, user: CallingUser, runtime: ApiRuntime
) -> Envelope[Contact]:
    copied = await _copied(runtime, user, (from_list_id, contact_id, to_list_id), moves=False)
    return success("The contact has been copied.", copied)


@router.put(f"{_CONTACT}/transfer/{{to_list_id}}")
@router.put(f"{_CONTACT}/{{to_list_id}}")  # the address that older clients have
async def transfer_contact(
    from_list_id: PathId, contact_id: PathId, to_list_id: PathId, user: CallingUser, runtime: ApiRuntime
) -> Envelope[Contact]:
    """Move a contact; on the other list it has another id."""
    moved = await _copied(runtime, user, (from_list_id, contact_id, to_list_id), moves=True)
    return success("The contact has been moved.", moved)


async def _copied(runtime: Runtime, user: ApiUser, ids: tuple[int, int, int], *, moves: bool) -> Contact:
    from_list_id, contact_id, to_list_id = ids
    if from_list_id == to_list_id:
        raise ApiError(400, "same_list", "to_list_id: the contact is on this list; name another", "to_list_id")
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection, connection.transaction():
        source = not_opt_outs(await require_list(connection, user.account_id, from_list_id, "from_list_id"))
        target = await require_list(connection, user.account_id, to_list_id, "to_list_id")
        row = await member(connection, source, contact_id, for_change=True)
        if not target.is_opt_outs:
            copy = await add(connection, target, row["phone"], row["fields"])
            if moves:
                await connection.execute(REMOVE, contact_id)
            return copy
    return await opt_out_list.add(runtime, user, target, row["phone"])
