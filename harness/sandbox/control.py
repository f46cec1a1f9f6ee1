"""What a test or an operator sets and asks: faults, accounts, every call, every webhook."""

from typing import Any, TypeVar

from aiohttp import web
from pydantic import TypeAdapter

from harness.sandbox.answers import page_of, patience_of, read
from harness.sandbox.calls import Call
from harness.sandbox.errors import RefusedError
from harness.sandbox.faults import Faults
from harness.sandbox.gateway import Attempt
from harness.sandbox.journal import Journal
from harness.sandbox.limits import MAX_ACCOUNTS
from harness.sandbox.world import Account, World
from shared.events.base import AccountId

EntryT = TypeVar("EntryT", Call, Attempt)
_account_ids: TypeAdapter[str] = TypeAdapter(AccountId)


class Control:
    def __init__(self, world: World) -> None:
        self._world = world

    async def put_faults(self, request: web.Request) -> web.Response:
        """Set all faults; what is left out is off."""
        self._world.faults = await read(request, Faults)
        return await self.get_faults(request)

    async def get_faults(self, _: web.Request) -> web.Response:
        return web.json_response(text=self._world.faults.model_dump_json())

    async def put_account(self, request: web.Request) -> web.Response:
        account_id = _account_ids.validate_python(request.match_info["account_id"])
        account = await read(request, Account)
        if len(self._world.accounts) >= MAX_ACCOUNTS and account_id not in self._world.accounts:
            raise RefusedError(409, "too_many_accounts", f"there are {MAX_ACCOUNTS} accounts; restart the sandbox")
        self._world.accounts[account_id] = account
        return web.json_response({"account_id": account_id, **account.model_dump()})

    async def calls(self, request: web.Request) -> web.Response:
        calls, page = await self._page(request, self._world.calls)
        return web.json_response({"calls": [call.as_call() for call in calls], **page})

    async def webhooks(self, request: web.Request) -> web.Response:
        attempts, page = await self._page(request, self._world.gateway.attempts)
        return web.json_response({"webhooks": [attempt.as_json() for attempt in attempts], **page})

    async def forget_calls(self, _: web.Request) -> web.Response:
        self._world.calls.clear()
        return web.Response(status=204)

    async def forget_webhooks(self, _: web.Request) -> web.Response:
        self._world.gateway.attempts.clear()
        return web.Response(status=204)

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": request.path.rsplit("/", 1)[1]})

    async def _page(self, request: web.Request, journal: Journal[EntryT]) -> tuple[list[EntryT], dict[str, Any]]:
        """Return entries `after` a number, at most `limit`; `next` is the number to go on with, null at the end."""
        at_least, timeout_seconds = patience_of(request)
        if timeout_seconds:
            with self._world.patience.one_more():
                await journal.wait(at_least, timeout_seconds)
        after, limit = page_of(request)
        entries = journal.entries(after, limit)
        following = max(after, journal.forgotten) + len(entries)
        page = {
            "next": following if following < journal.total else None,
            "total": journal.total,
            "forgotten": journal.forgotten,
        }
        return entries, page
